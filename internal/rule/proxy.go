package rule

// The proxy: what came of the origin.
const (
	_ ID = 3<<8 + iota
	ProxyAnswered
)

var proxyTable = [...]Row{
	ProxyAnswered & 0xff: {"proxy-answered", 0, "the origin answered", "", ""},
}
