package rule

// Freshness (RFC 9111 and its extensions): may it be stored, how long is it
// fresh, may it be reused.
const (
	_ ID = 1<<8 + iota

	// What gave the lifetime.
	FreshByTarget
	FreshBySMaxAge
	FreshByMaxAge
	FreshByExpires
	FreshHeuristic
	FreshNone

	// Why an answer is stored for another reason than its lifetime, or not.
	StoredToValidate
	StoredUnderstood
	StoredPartial
	StoredAsGET
	NotStoredMethod
	NotStoredPOST
	NotStoredStatus
	NotStoredPartial
	NotStoredNoStore
	NotStoredRequest
	NotStoredNotUnderstood
	NotStoredPrivate
	NotStoredAuthorized
	NotStoredSetCookie
	NotStoredVaryAny
	NotStoredNoFreshness
	NotStoredUseless

	// Why a stored answer may be used as it is, or not.
	ReuseFresh
	ReuseImmutable
	ReuseNoCache
	ReuseStale
	ReuseMustRevalidate
	ReuseRequestNoCache
	ReuseRequestMaxAge
	ReuseRequestMinFresh
	ReuseRequestMaxStale
	ReuseWhileRevalidate
	ReuseIfError
	ReuseRequestIfError
	ReuseDisconnected
	FailureTooStale
	FailureNoPermission
)

var freshnessTable = [...]Row{
	FreshByTarget & 0xff:  {"fresh-targeted", 0, "a Cache-Control field for this kind of cache says how long the answer is fresh", "RFC 9213 §2.2", ""},
	FreshBySMaxAge & 0xff: {"fresh-s-maxage", 0, "s-maxage of Cache-Control says how long shared caches may take the answer for fresh", "RFC 9111 §5.2.2.10", ""},
	FreshByMaxAge & 0xff:  {"fresh-max-age", 0, "max-age of Cache-Control says how long the answer is fresh", "RFC 9111 §5.2.2.1", ""},
	FreshByExpires & 0xff: {"fresh-expires", 0, "Expires says until when the answer is fresh", "RFC 9111 §5.3", ""},
	FreshHeuristic & 0xff: {"fresh-heuristic", 0, "the answer does not say how long it is fresh; it is taken for a part of the time since Last-Modified", "RFC 9111 §4.2.2", "send Cache-Control: max-age with the answer"},
	FreshNone & 0xff:      {"fresh-none", 0, "nothing says how long the answer is fresh", "RFC 9111 §4.2.1", "send Cache-Control: max-age with the answer"},

	StoredToValidate & 0xff:       {"stored-to-validate", 0, "the answer has no freshness but a validator, so it is stored and validated before each use", "RFC 9111 §4.3", "send Cache-Control: max-age with the answer"},
	StoredUnderstood & 0xff:       {"stored-understood", 0, "must-understand sets no-store aside, because the status code is understood", "RFC 9111 §5.2.2.3", ""},
	StoredPartial & 0xff:          {"stored-partial", 0, "a part of the representation is stored", "RFC 9111 §3.3", ""},
	StoredAsGET & 0xff:            {"stored-as-get", 0, "the answer to POST says that it is what GET of the same address would give", "RFC 9110 §9.3.3", ""},
	NotStoredMethod & 0xff:        {"not-stored-method", 0, "answers to this method are not stored", "RFC 9110 §9.2.3", "use GET"},
	NotStoredPOST & 0xff:          {"not-stored-post", 0, "an answer to POST is cacheable only with explicit freshness and a Content-Location of the same address", "RFC 9110 §9.3.3", "use GET, or send both fields"},
	NotStoredStatus & 0xff:        {"not-stored-status", 0, "an answer with this status code is of use to one request only", "RFC 9111 §3", ""},
	NotStoredPartial & 0xff:       {"not-stored-partial", 0, "the partial answer does not say which single range of bytes it has", "RFC 9111 §3.3", "send one range with a Content-Range that fits its length"},
	NotStoredNoStore & 0xff:       {"not-stored-no-store", 0, "the answer has no-store", "RFC 9111 §5.2.2.5", "send no-cache instead, if the answer may be stored but not used unasked"},
	NotStoredRequest & 0xff:       {"not-stored-request", 0, "the request has no-store", "RFC 9111 §5.2.1.5", ""},
	NotStoredNotUnderstood & 0xff: {"not-stored-not-understood", 0, "must-understand was sent with a status code that is not understood", "RFC 9111 §5.2.2.3", ""},
	NotStoredPrivate & 0xff:       {"not-stored-private", 0, "the answer is private, and this cache is shared", "RFC 9111 §5.2.2.7", "send public, or leave private out, if everybody may have the answer"},
	NotStoredAuthorized & 0xff:    {"not-stored-authorized", 0, "the request has Authorization, and the answer does not say that it may be shared", "RFC 9111 §3.5", "send public, s-maxage or must-revalidate with the answer"},
	NotStoredSetCookie & 0xff:     {"not-stored-set-cookie", 0, "the answer sets a cookie and does not say that it may be shared", "RFC 9111 §7.3", "send max-age or public with the answer, or no Set-Cookie"},
	NotStoredVaryAny & 0xff:       {"not-stored-vary-any", 0, "Vary: * means that no other request matches", "RFC 9111 §4.1", "list in Vary the fields that the answer depends on"},
	NotStoredNoFreshness & 0xff:   {"not-stored-no-freshness", 0, "an answer with this status code is stored only if it says that it may be", "RFC 9111 §3", "send Cache-Control: max-age with the answer"},
	NotStoredUseless & 0xff:       {"not-stored-useless", 0, "the answer has neither freshness nor a validator, so it could never be reused", "RFC 9111 §4", "send Cache-Control: max-age, an ETag or Last-Modified with the answer"},

	ReuseFresh & 0xff:           {"reuse-fresh", 0, "the stored answer is fresh", "RFC 9111 §4.2", ""},
	ReuseImmutable & 0xff:       {"reuse-immutable", 0, "the stored answer does not change while it is fresh, so a reload needs no validation", "RFC 8246 §2", ""},
	ReuseNoCache & 0xff:         {"reuse-no-cache", 0, "the stored answer is to be validated before each use", "RFC 9111 §5.2.2.4", "send max-age without no-cache"},
	ReuseStale & 0xff:           {"reuse-stale", 0, "the stored answer is stale, so it is to be validated", "RFC 9111 §4.2.4", "send a longer max-age, or stale-while-revalidate"},
	ReuseMustRevalidate & 0xff:  {"reuse-must-revalidate", 0, "the stored answer is stale and says that it must not be used stale", "RFC 9111 §5.2.2.2", "leave out must-revalidate, proxy-revalidate and s-maxage, if stale answers are better than none"},
	ReuseRequestNoCache & 0xff:  {"reuse-request-no-cache", 0, "the request asks for validation", "RFC 9111 §5.2.1.4", ""},
	ReuseRequestMaxAge & 0xff:   {"reuse-request-max-age", 0, "the stored answer is older than the request allows", "RFC 9111 §5.2.1.1", ""},
	ReuseRequestMinFresh & 0xff: {"reuse-request-min-fresh", 0, "the stored answer does not stay fresh for as long as the request asks", "RFC 9111 §5.2.1.3", ""},
	ReuseRequestMaxStale & 0xff: {"reuse-request-max-stale", 0, "the request takes an answer that has been stale for this long", "RFC 9111 §5.2.1.2", ""},
	ReuseWhileRevalidate & 0xff: {"reuse-while-revalidate", 0, "the stored answer may be used stale while it is validated", "RFC 5861 §3", ""},
	ReuseIfError & 0xff:         {"reuse-if-error", 0, "the stored answer may be used stale because the origin failed", "RFC 5861 §4", ""},
	ReuseRequestIfError & 0xff:  {"reuse-request-if-error", 0, "the request takes a stale answer because the origin failed", "RFC 5861 §4", ""},
	ReuseDisconnected & 0xff:    {"reuse-disconnected", 0, "the origin cannot be reached, so the stored answer is used although it is stale", "RFC 9111 §4.2.4", ""},
	FailureTooStale & 0xff:      {"failure-too-stale", 0, "the origin failed, and the stored answer has been stale for too long", "RFC 9111 §4.2.4", "send stale-if-error with a longer time"},
	FailureNoPermission & 0xff:  {"failure-no-permission", 0, "the origin answered with an error, and nothing allows the stored answer to be used instead", "RFC 5861 §4", "send stale-if-error with the answer"},
}
