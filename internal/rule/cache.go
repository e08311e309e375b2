package rule

// The cache: what it did, for reasons that are its own and not the protocol's.
const (
	_ ID = 2<<8 + iota
	CacheMethod
	CacheRequestBody
	CacheUpgrade
	CacheOriginJudges
	CacheMethodOverride
	CacheHitForMiss
	CacheOnlyIfCached
	CacheCollapsed
	CacheTooLarge
	CacheCut
	CacheOriginFailed
	CacheSetCookie
	CacheAuthorized
	CacheCookied
	CacheTypeMismatch
	CacheErrorStatus
	CachePurged
	CacheURIMiss
	CacheVaryMiss
	CachePartialMiss
	CacheEvicted
	CacheInvalidated
	CacheGroupInvalidated
	CacheVariantsFull
	CacheUnreadable
	CacheSoftPurged
	CacheHeadDiffers
	CacheLease
	CacheMisfiled
	CacheNotKept
	CacheOvertaken
	CachePartsDiffer
	CacheHeld
	CacheDigestWrong
)

var cacheTable = [...]Row{
	CacheMethod & 0xff:           {"cache-method", 0, "only GET and HEAD are answered from the cache", "RFC 9111 §4", ""},
	CacheRequestBody & 0xff:      {"cache-request-body", 0, "a GET with a body goes past the cache, for the body is no part of the key", "RFC 9110 §9.3.1", "send the request without a body"},
	CacheUpgrade & 0xff:          {"cache-upgrade", 0, "a request to upgrade the connection goes past the cache", "RFC 9110 §7.8", ""},
	CacheOriginJudges & 0xff:     {"cache-origin-judges", 0, "If-Match and If-Unmodified-Since are for the origin to judge, not for a cache", "RFC 9111 §4.3.2", ""},
	CacheMethodOverride & 0xff:   {"cache-method-override", 0, "a field asks the origin for another method than the one that is the cache's to see", "", "send the method itself, or use the standard profile"},
	CacheHitForMiss & 0xff:       {"cache-hit-for-miss", 0, "the last answer could not be stored, so requests do not queue for this one", "", "let the origin say how long its answer is fresh"},
	CacheOnlyIfCached & 0xff:     {"cache-only-if-cached", 504, "the request asks for a stored answer, and there is none that may be used", "RFC 9111 §5.2.1.7", "ask without only-if-cached"},
	CacheCollapsed & 0xff:        {"cache-collapsed", 0, "the answer came with a request to the origin that was already under way", "RFC 9211 §2.2", ""},
	CacheTooLarge & 0xff:         {"cache-too-large", 0, "the body is larger than what is stored", "RFC 9111 §3", "raise the bound on stored bodies"},
	CacheCut & 0xff:              {"cache-cut", 502, "the origin's answer broke off before its end", "RFC 9112 §8", "the origin's log has the cause"},
	CacheOriginFailed & 0xff:     {"cache-origin-failed", 502, "the origin did not answer the request that this one waited for", "RFC 9110 §15.6.3", "the origin's log has the cause"},
	CacheSetCookie & 0xff:        {"cache-set-cookie", 0, "an answer that sets a cookie may be meant for one person", "RFC 9111 §7.3", "send Set-Cookie only where it is needed, or use the standard profile"},
	CacheAuthorized & 0xff:       {"cache-authorized", 0, "an answer to a request with credentials may be meant for one person", "RFC 9111 §3.5", "let the origin say public or s-maxage, or use the standard profile"},
	CacheCookied & 0xff:          {"cache-cookied", 0, "an answer to a request with cookies may be meant for one person", "RFC 9111 §7.1", "let the origin say public or s-maxage, or use the standard profile"},
	CacheTypeMismatch & 0xff:     {"cache-type-mismatch", 0, "the address ends like a file of one type, and the answer is of another", "", "send the type that the extension stands for, or use the standard profile"},
	CacheErrorStatus & 0xff:      {"cache-error-status", 0, "an error that one request caused would be shown to others", "RFC 9111 §7.1", "use the standard profile"},
	CachePurged & 0xff:           {"cache-purged", 0, "what was stored has been purged", "", ""},
	CacheURIMiss & 0xff:          {"cache-uri-miss", 0, "nothing was stored for this address", "RFC 9111 §4", ""},
	CacheVaryMiss & 0xff:         {"cache-vary-miss", 0, "what is stored for this address was made for requests with other fields", "RFC 9111 §4.1", "let Vary name only fields that change the answer"},
	CachePartialMiss & 0xff:      {"cache-partial-miss", 0, "of the body only other parts are stored", "RFC 9111 §3.3", ""},
	CacheEvicted & 0xff:          {"cache-evicted", 0, "what was stored was let go to make room", "", "give the cache more memory, or a folder on disk"},
	CacheInvalidated & 0xff:      {"cache-invalidated", 0, "a request that may have changed the resource made what was stored invalid", "RFC 9111 §4.4", ""},
	CacheGroupInvalidated & 0xff: {"cache-group-invalidated", 0, "what was stored belongs to a group that was invalidated", "RFC 9875 §3", ""},
	CacheVariantsFull & 0xff:     {"cache-variants-full", 0, "the variant for requests like this one made room for other variants", "RFC 9111 §4.1", "let Vary name fewer fields, or raise the number of variants"},
	CacheUnreadable & 0xff:       {"cache-unreadable", 0, "what was stored could not be read back from disk", "", "the server's log has the cause"},
	CacheSoftPurged & 0xff:       {"cache-soft-purged", 0, "what is stored is validated before its next use, because it was purged softly", "", ""},
	CacheHeadDiffers & 0xff:      {"cache-head-differs", 0, "an answer to HEAD did not fit what is stored, so that is validated", "RFC 9111 §4.3.5", ""},
	CacheLease & 0xff:            {"cache-lease", 0, "the request to the origin that this one waited for took too long, so it went on alone", "", "find out what the origin waits for, or let requests wait longer"},
	CacheMisfiled & 0xff:         {"cache-misfiled", 0, "the answer does not say again which parts of the query make no difference", "", "send No-Vary-Search with each answer of the address"},
	CacheNotKept & 0xff:          {"cache-not-kept", 0, "there was no room for the body when it came, in memory or on disk", "", "give the cache more memory, or look for faults of the disk in the server's log"},
	CacheOvertaken & 0xff:        {"cache-overtaken", 0, "what was asked for was changed or purged before its answer was complete", "RFC 9111 §4.4", ""},
	CachePartsDiffer & 0xff:      {"cache-parts-differ", 0, "the parts that were stored are of another representation than the origin has now", "RFC 9111 §3.4", ""},
	CacheDigestWrong & 0xff:      {"cache-digest-wrong", 0, "the body is not what the answer's own digest says, so it was not stored", "RFC 9530 §3", "find out what changes the body on its way here, or have the origin state the digest of what it sends"},
	CacheHeld & 0xff:             {"cache-held", 0, "what is stored is validated before each use, for it is not known yet what the fleet has purged", "", ""},
}
