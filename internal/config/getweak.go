package config

// curlsWeak are flags of curl that ask freshet get for something weak, or for a login
// that is not there: what there is instead, and whether a value follows.
var curlsWeak = map[string]struct {
	instead string
	value   bool
}{
	"tlsv1.0": {oldTLS, false}, "tlsv1.1": {oldTLS, false},
	"sslv2": {oldSSL, false}, "sslv3": {oldSSL, false},
	"ciphers": {noCiphers, true}, "tls13-ciphers": {noCiphers, true}, "proxy-ciphers": {noCiphers, true}, "proxy-tls13-ciphers": {noCiphers, true},
	"digest": {noLogin + "; the digest of a content is asked for by --want-digest", false},
	"ntlm":   {noLogin, false}, "ntlm-wb": {noLogin, false}, "proxy-digest": {noLogin, false}, "proxy-ntlm": {noLogin, false},
}

const (
	oldTLS    = "TLS 1.0 and 1.1 are not spoken (RFC 8996); leave it out: TLS 1.2 or higher is spoken, and with --tlsv1.3 that alone"
	oldSSL    = "SSL is not spoken (RFC 6176, RFC 7568); leave it out: TLS 1.2 or higher is spoken, and with --tlsv1.3 TLS 1.3 alone"
	noCiphers = "ciphers are not chosen: those of TLS 1.3, and of 1.2 those with forward secrecy that authenticate, are offered; leave it out, or give --tlsv1.3"
	noLogin   = "logins by Digest and NTLM, which rest on MD5 and MD4, are not there; give --user alone, which sends Basic, over https, or --sign, or --cert"
)
