package wire

// HopByHop are the fields that belong to one connection (RFC 9110 §7.6.1), and
// those that speak to, or of, a proxy whose client the sender is (§11.7).
var HopByHop = []string{
	"Connection", "Keep-Alive", "Proxy-Connection", "Te", "Trailer", "Transfer-Encoding", "Upgrade",
	"Proxy-Authenticate", "Proxy-Authentication-Info", "Proxy-Authorization", "Http2-Settings",
}
