package rule

// The cache: what it did, for reasons that are its own and not the protocol's.
const (
	_ ID = 2<<8 + iota
	CacheCollapsed
)

var cacheTable = [...]Row{
	CacheCollapsed & 0xff: {"cache-collapsed", 0, "the answer came with a request to the origin that was already under way", "RFC 9211 §2.2", ""},
}
