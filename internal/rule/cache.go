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
	CachePurgeDenied
)

var cacheTable = [...]Row{
	CacheMethod & 0xff:         {"cache-method", 0, "only GET and HEAD are answered from the cache", "RFC 9111 §4", ""},
	CacheRequestBody & 0xff:    {"cache-request-body", 0, "a GET with a body goes past the cache, for the body is no part of the key", "RFC 9110 §9.3.1", "send the request without a body"},
	CacheUpgrade & 0xff:        {"cache-upgrade", 0, "a request to upgrade the connection goes past the cache", "RFC 9110 §7.8", ""},
	CacheOriginJudges & 0xff:   {"cache-origin-judges", 0, "If-Match and If-Unmodified-Since are for the origin to judge, not for a cache", "RFC 9111 §4.3.2", ""},
	CacheMethodOverride & 0xff: {"cache-method-override", 0, "a field asks the origin for another method than the one that is the cache's to see", "", "send the method itself, or use the standard profile"},
	CacheHitForMiss & 0xff:     {"cache-hit-for-miss", 0, "the last answer could not be stored, so requests do not queue for this one", "", "let the origin say how long its answer is fresh"},
	CacheOnlyIfCached & 0xff:   {"cache-only-if-cached", 504, "the request asks for a stored answer, and there is none that may be used", "RFC 9111 §5.2.1.7", "ask without only-if-cached"},
	CacheCollapsed & 0xff:      {"cache-collapsed", 0, "the answer came with a request to the origin that was already under way", "RFC 9211 §2.2", ""},
	CacheTooLarge & 0xff:       {"cache-too-large", 0, "the body is larger than what is stored", "RFC 9111 §3", "raise the bound on stored bodies"},
	CacheCut & 0xff:            {"cache-cut", 502, "the origin's answer broke off before its end", "RFC 9112 §8", "the origin's log has the cause"},
	CacheOriginFailed & 0xff:   {"cache-origin-failed", 502, "the origin did not answer the request that this one waited for", "RFC 9110 §15.6.3", "the origin's log has the cause"},
	CacheSetCookie & 0xff:      {"cache-set-cookie", 0, "an answer that sets a cookie may be meant for one person", "RFC 9111 §7.3", "send Set-Cookie only where it is needed, or use the standard profile"},
	CacheAuthorized & 0xff:     {"cache-authorized", 0, "an answer to a request with credentials may be meant for one person", "RFC 9111 §3.5", "let the origin say public or s-maxage, or use the standard profile"},
	CacheCookied & 0xff:        {"cache-cookied", 0, "an answer to a request with cookies may be meant for one person", "RFC 9111 §7.1", "let the origin say public or s-maxage, or use the standard profile"},
	CacheTypeMismatch & 0xff:   {"cache-type-mismatch", 0, "the address ends like a file of one type, and the answer is of another", "", "send the type that the extension stands for, or use the standard profile"},
	CacheErrorStatus & 0xff:    {"cache-error-status", 0, "an error that one request caused would be shown to others", "RFC 9111 §7.1", "use the standard profile"},
	CachePurged & 0xff:         {"cache-purged", 0, "what was stored has been purged", "", ""},
	CachePurgeDenied & 0xff:    {"cache-purge-denied", 403, "PURGE needs the server's write token", "RFC 9110 §15.5.4", "send Authorization: Bearer and the token, or use freshet purge on the machine"},
}
