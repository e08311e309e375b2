package wire

// Known identifies a request field that the server itself looks at, so that
// neither parser nor hot path compares names twice.
type Known uint8

// The well-known fields. There may be at most 64: Head keeps them as bits.
const (
	None Known = iota
	Accept
	AcceptEncoding
	AcceptLanguage
	Authorization
	CacheControl
	Connection
	ContentEncoding
	ContentLength
	ContentType
	Cookie
	Date
	Expect
	Forwarded
	Host
	IfMatch
	IfModifiedSince
	IfNoneMatch
	IfRange
	IfUnmodifiedSince
	KeepAlive
	Origin
	Pragma
	ProxyConnection
	Range
	Referer
	SecFetchDest
	SecFetchMode
	SecFetchSite
	SecFetchUser
	TE
	Trailer
	TransferEncoding
	Upgrade
	UpgradeInsecureRequests
	UserAgent
	Via
	WantContentDigest
	WantReprDigest
	XForwardedFor
	numKnown
)

// KnownSet is a set of well-known fields.
type KnownSet uint64

// Set returns the set of the fields named.
func Set(ks ...Known) KnownSet {
	var s KnownSet
	for _, k := range ks {
		s |= 1 << k
	}
	return s
}

// knownNames are the canonical names, in net/http's spelling.
var knownNames = [numKnown]string{
	Accept:                  "Accept",
	AcceptEncoding:          "Accept-Encoding",
	AcceptLanguage:          "Accept-Language",
	Authorization:           "Authorization",
	CacheControl:            "Cache-Control",
	Connection:              "Connection",
	ContentEncoding:         "Content-Encoding",
	ContentLength:           "Content-Length",
	ContentType:             "Content-Type",
	Cookie:                  "Cookie",
	Date:                    "Date",
	Expect:                  "Expect",
	Forwarded:               "Forwarded",
	Host:                    "Host",
	IfMatch:                 "If-Match",
	IfModifiedSince:         "If-Modified-Since",
	IfNoneMatch:             "If-None-Match",
	IfRange:                 "If-Range",
	IfUnmodifiedSince:       "If-Unmodified-Since",
	KeepAlive:               "Keep-Alive",
	Origin:                  "Origin",
	Pragma:                  "Pragma",
	ProxyConnection:         "Proxy-Connection",
	Range:                   "Range",
	Referer:                 "Referer",
	SecFetchDest:            "Sec-Fetch-Dest",
	SecFetchMode:            "Sec-Fetch-Mode",
	SecFetchSite:            "Sec-Fetch-Site",
	SecFetchUser:            "Sec-Fetch-User",
	TE:                      "Te",
	Trailer:                 "Trailer",
	TransferEncoding:        "Transfer-Encoding",
	Upgrade:                 "Upgrade",
	UpgradeInsecureRequests: "Upgrade-Insecure-Requests",
	UserAgent:               "User-Agent",
	Via:                     "Via",
	WantContentDigest:       "Want-Content-Digest",
	WantReprDigest:          "Want-Repr-Digest",
	XForwardedFor:           "X-Forwarded-For",
}

// String returns the field's canonical name, "" for None.
func (k Known) String() string { return knownNames[k] }
