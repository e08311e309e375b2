package rule

// Freshness (RFC 9111 and its extensions): may it be stored, may it be reused.
const (
	_ ID = 1<<8 + iota
	FreshByMaxAge
)

var freshnessTable = [...]Row{
	FreshByMaxAge & 0xff: {"fresh-max-age", 0, "max-age of Cache-Control says how long the answer is fresh", "RFC 9111 §5.2.2.1", ""},
}
