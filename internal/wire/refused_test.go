package wire

import (
	"strings"
	"testing"

	"freshet/internal/rule"
)

func TestRefused(t *testing.T) {
	long := strings.Repeat("a", 9000)
	for _, c := range []struct {
		in   string
		want rule.ID
	}{
		// request line
		{" GET / HTTP/1.1\r\n", rule.BadRequestLine},
		{"\tGET / HTTP/1.1\r\n", rule.BadRequestLine},
		{"\r\n\r\n", rule.BadRequestLine},
		{"\r\n\r\nGET / HTTP/1.1\r\n", rule.BadRequestLine},
		{"GET\r\n", rule.BadRequestLine},
		{"GET\t/ HTTP/1.1\r\n", rule.BadRequestLine},
		{"GET  / HTTP/1.1\r\n", rule.BadRequestLine},
		{"GET /  HTTP/1.1\r\n", rule.BadRequestLine},
		{"GET /\tHTTP/1.1\r\n", rule.BadRequestLine},
		{"GET / \tHTTP/1.1\r\n", rule.BadRequestLine},
		{"GET / HTTP/1.1 \r\n", rule.BadRequestLine},
		{"GET / HTTP/1.1\t\r\n", rule.BadRequestLine},
		{"GET / HTTP/1.1 x\r\n", rule.BadRequestLine},
		{"GET / \r\n", rule.BadRequestLine},
		{"GET \r\n", rule.BadRequestLine},
		{"GET /\r\n", rule.BadRequestLine},
		{"GET /\n", rule.BadRequestLine},
		{"\nGET / HTTP/1.1\r\n", rule.BareLF},
		{"\rGET / HTTP/1.1\r\n", rule.BareCR},
		{"GET / HTTP/1.1\n", rule.BareLF},
		{"GET / HTTP/1.1\rHost: h\r\n", rule.BareCR},
		{"GET / HTTP/1.1\r\r\n", rule.BareCR},

		// method
		{"\x16\x03\x01\x02\x00", rule.BadMethod},
		{"G(T / HTTP/1.1\r\n", rule.BadMethod},
		{"G\x00T / HTTP/1.1\r\n", rule.BadMethod},
		{"GÉT / HTTP/1.1\r\n", rule.BadMethod},
		{"GET: / HTTP/1.1\r\n", rule.BadMethod},
		{strings.Repeat("M", 65), rule.BadMethod},

		// target
		{"GET x HTTP/1.1\r\n", rule.BadTarget},
		{"GET * HTTP/1.1\r\n", rule.BadTarget},
		{"GET *a HTTP/1.1\r\n", rule.BadTarget},
		{"OPTIONS *? HTTP/1.1\r\n", rule.BadTarget},
		{"GET ?q HTTP/1.1\r\n", rule.BadTarget},
		{"GET h:80 HTTP/1.1\r\n", rule.BadTarget},
		{"GET ftp://h/ HTTP/1.1\r\n", rule.BadTarget},
		{"GET http:/h/ HTTP/1.1\r\n", rule.BadTarget},
		{"GET http:h HTTP/1.1\r\n", rule.BadTarget},
		{"GET ://h/ HTTP/1.1\r\n", rule.BadTarget},
		{"GET http:///x HTTP/1.1\r\n", rule.HostInvalid},
		{"GET http:// HTTP/1.1\r\n", rule.HostInvalid},
		{"GET http://u@h/ HTTP/1.1\r\n", rule.HostInvalid},
		{"GET http://u:p@h/ HTTP/1.1\r\n", rule.HostInvalid},
		{"GET http://h:x/ HTTP/1.1\r\n", rule.HostInvalid},
		{"GET http://[::1/ HTTP/1.1\r\n", rule.HostInvalid},
		{"GET http://:80/ HTTP/1.1\r\n", rule.HostInvalid},
		{"CONNECT /x HTTP/1.1\r\n", rule.BadTarget},
		{"CONNECT h HTTP/1.1\r\n", rule.BadTarget},
		{"CONNECT h: HTTP/1.1\r\n", rule.BadTarget},
		{"CONNECT h:0 HTTP/1.1\r\n", rule.BadTarget},
		{"CONNECT h:65536 HTTP/1.1\r\n", rule.BadTarget},
		{"CONNECT h:80/ HTTP/1.1\r\n", rule.BadTarget},
		{"CONNECT h:80? HTTP/1.1\r\n", rule.BadTarget},
		{"CONNECT http://h:80 HTTP/1.1\r\n", rule.BadTarget},
		{"CONNECT * HTTP/1.1\r\n", rule.BadTarget},
		{"GET /a#b", rule.BadTarget},
		{"GET /a?b#c", rule.BadTarget},
		{"GET /a\x00", rule.BadTarget},
		{"GET /a\x7f", rule.BadTarget},
		{"GET /a\x1b", rule.BadTarget},
		{"GET /é", rule.BadTarget},
		{"GET /?é", rule.BadTarget},
		{"GET /a\"", rule.BadTarget},
		{"GET /a<", rule.BadTarget},
		{"GET /a>", rule.BadTarget},
		{"GET /a\\", rule.BadTarget},
		{"GET /a^", rule.BadTarget},
		{"GET /a`", rule.BadTarget},
		{"GET /a{", rule.BadTarget},
		{"GET /a|", rule.BadTarget},
		{"GET /a}", rule.BadTarget},
		{"GET /?\"", rule.BadTarget},
		{"GET /?<", rule.BadTarget},
		{"GET /?>", rule.BadTarget},
		{"GET /% ", rule.BadTarget},
		{"GET /%4 ", rule.BadTarget},
		{"GET /%4g", rule.BadTarget},
		{"GET /%x", rule.BadTarget},
		{"GET /%%41", rule.BadTarget},
		{"GET /?%zz", rule.BadTarget},
		{"GET /?100% HTTP/1.1", rule.BadTarget},
		{"GET /" + long[:8192], rule.TargetTooLong},
		{"GET /?" + long, rule.TargetTooLong},
		{"GET " + long, rule.TargetTooLong},

		// version
		{"GET / X", rule.BadVersion},
		{"GET / http/1.1\r\n", rule.BadVersion},
		{"GET / Http/1.1\r\n", rule.BadVersion},
		{"GET / HTTP/11\r\n", rule.BadVersion},
		{"GET / HTTP/1\r\n", rule.BadVersion},
		{"GET / HTTP/1.\r\n", rule.BadVersion},
		{"GET / HTTP/1.x\r\n", rule.BadVersion},
		{"GET / HTTP/d.d\r\n", rule.BadVersion},
		{"GET / HTTP/1.10\r\n", rule.BadVersion},
		{"GET / HTTP/11.1\r\n", rule.BadVersion},
		{"GET / HTTP/+1.1\r\n", rule.BadVersion},
		{"GET / HTTPS/1.1\r\n", rule.BadVersion},
		{"GET / HTTP /1.1\r\n", rule.BadRequestLine},
		{"GET / HTTP/1. 1\r\n", rule.BadRequestLine},
		{"GET / HTTP/0.9\r\n", rule.VersionUnsupported},
		{"GET / HTTP/2.0\r\n", rule.VersionUnsupported},
		{"GET / HTTP/3.0\r\n", rule.VersionUnsupported},
		{"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", rule.VersionUnsupported},

		// field lines
		{"GET / HTTP/1.1\r\n Host: h\r\n", rule.LeadingSpace},
		{"GET / HTTP/1.1\r\n\tHost: h\r\n", rule.LeadingSpace},
		{"GET / HTTP/1.1\r\n \r\n", rule.LeadingSpace},
		{get11 + "A: b\r\n c\r\n", rule.ObsFold},
		{get11 + "A: b\r\n\tc\r\n", rule.ObsFold},
		{get11 + "A:\r\n \r\n", rule.ObsFold},
		{get11 + "A : b\r\n", rule.SpaceBeforeColon},
		{get11 + "A\t: b\r\n", rule.SpaceBeforeColon},
		{get11 + "A \t : b\r\n", rule.SpaceBeforeColon},
		{get11 + "A b: c\r\n", rule.BadFieldName},
		{get11 + ": b\r\n", rule.BadFieldName},
		{get11 + "A\r\n", rule.BadFieldName},
		{get11 + "A \r\n", rule.BadFieldName},
		{get11 + "A\x00: b\r\n", rule.BadFieldName},
		{get11 + "A(: b\r\n", rule.BadFieldName},
		{get11 + "É: b\r\n", rule.BadFieldName},
		{get11 + "\x00A: b\r\n", rule.BadFieldName},
		{get11 + "\"A\": b\r\n", rule.BadFieldName},
		{get11 + "A: \x00\r\n", rule.BadFieldValue},
		{get11 + "A: b\x01c\r\n", rule.BadFieldValue},
		{get11 + "A: bbbbbbbbbbbbb\x1fccccccccccccccc\r\n", rule.BadFieldValue},
		{get11 + "A: bbbbbbbbbbbbb\x7fccccccccccccccc\r\n", rule.BadFieldValue},
		{get11 + "A: b\x7f\r\n", rule.BadFieldValue},
		{get11 + "A: b\vc\r\n", rule.BadFieldValue},
		{get11 + "A: b\rc\r\n", rule.BareCR},
		{get11 + "A: b\r\r\n", rule.BareCR},
		{get11 + "A: b\n", rule.BareLF},
		{get11 + "A\n", rule.BareLF},
		{get11 + "A\r:", rule.BareCR},
		{get11 + "\n", rule.BareLF},
		{get11 + "\rX", rule.BareCR},
		{get11 + strings.Repeat("A: b\r\n", 128), rule.TooManyFields},
		{get11 + "A: " + strings.Repeat("b", 32<<10), rule.HeadTooLarge},
		{get11 + strings.Repeat("A: "+long[:400]+"\r\n", 90), rule.HeadTooLarge},
		{get11 + strings.Repeat("a", 32<<10), rule.HeadTooLarge},

		// host
		{"GET / HTTP/1.1\r\n\r\n", rule.HostMissing},
		{"GET http://h/ HTTP/1.1\r\n\r\n", rule.HostMissing},
		{"OPTIONS * HTTP/1.1\r\n\r\n", rule.HostMissing},
		{"CONNECT h:1 HTTP/1.1\r\n\r\n", rule.HostMissing},
		{"GET / HTTP/1.7\r\n\r\n", rule.HostMissing},
		{get11 + "Host: h\r\n\r\n", rule.HostRepeated},
		{get11 + "HOST: \r\n\r\n", rule.HostRepeated},
		{"GET / HTTP/1.0\r\nHost: h\r\nHost: h\r\n\r\n", rule.HostRepeated},
		{"GET / HTTP/1.0\r\nHost: a b\r\n\r\n", rule.HostInvalid},
		{"GET / HTTP/1.1\r\nHost: h:x\r\n\r\n", rule.HostInvalid},
		{"GET http://h/ HTTP/1.1\r\nHost: h:x\r\n\r\n", rule.HostInvalid},
		{"GET / HTTP/1.1\r\nHost: h, h\r\n\r\n", rule.HostInvalid},
		{"GET / HTTP/1.1\r\nHost: http://h\r\n\r\n", rule.HostInvalid},

		// framing
		{get11 + "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n", rule.LengthWithCoding},
		{get11 + "Transfer-Encoding: chunked\r\nContent-Length: 0\r\n\r\n", rule.LengthWithCoding},
		{get11 + "Transfer-Encoding: chunked\r\nContent-Length: x\r\n\r\n", rule.LengthWithCoding},
		{get11 + "Content-Length: 5\r\nContent-Length: 6\r\n\r\n", rule.LengthDiffers},
		{get11 + "Content-Length: 5, 6\r\n\r\n", rule.LengthDiffers},
		{get11 + "Content-Length: 5\r\nA: b\r\nContent-Length: 5, 6\r\n\r\n", rule.LengthDiffers},
		{get11 + "Content-Length:\r\n\r\n", rule.LengthInvalid},
		{get11 + "Content-Length: 5,\r\n\r\n", rule.LengthInvalid},
		{get11 + "Content-Length: ,5\r\n\r\n", rule.LengthInvalid},
		{get11 + "Content-Length: +5\r\n\r\n", rule.LengthInvalid},
		{get11 + "Content-Length: -1\r\n\r\n", rule.LengthInvalid},
		{get11 + "Content-Length: 0x5\r\n\r\n", rule.LengthInvalid},
		{get11 + "Content-Length: 5 5\r\n\r\n", rule.LengthInvalid},
		{get11 + "Content-Length: 5_0\r\n\r\n", rule.LengthInvalid},
		{get11 + "Content-Length: ５\r\n\r\n", rule.LengthInvalid},
		{get11 + "Content-Length: 9223372036854775808\r\n\r\n", rule.LengthInvalid},
		{get11 + "Content-Length: 18446744073709551621\r\n\r\n", rule.LengthInvalid},
		{get11 + "Content-Length: 5;5\r\n\r\n", rule.LengthInvalid},
		{"GET / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n", rule.CodingIn10},
		{"GET / HTTP/1.0\r\nTransfer-Encoding: chunked\r\nContent-Length: 3\r\n\r\n", rule.CodingIn10},
		{get11 + "Transfer-Encoding: gzip\r\n\r\n", rule.CodingUnknown},
		{get11 + "Transfer-Encoding: gzip, chunked\r\n\r\n", rule.CodingUnknown},
		{get11 + "Transfer-Encoding: deflate\r\nTransfer-Encoding: chunked\r\n\r\n", rule.CodingUnknown},
		{get11 + "Transfer-Encoding: identity\r\n\r\n", rule.CodingUnknown},
		{get11 + "Transfer-Encoding: xchunked\r\n\r\n", rule.CodingUnknown},
		{get11 + "Transfer-Encoding: x;q=\"a, chunked\"\r\n\r\n", rule.CodingUnknown},
		{get11 + "Transfer-Encoding:\r\n\r\n", rule.CodingInvalid},
		{get11 + "Transfer-Encoding: ,chunked\r\n\r\n", rule.CodingInvalid},
		{get11 + "Transfer-Encoding: chunked,\r\n\r\n", rule.CodingInvalid},
		{get11 + "Transfer-Encoding: chunked, chunked\r\n\r\n", rule.CodingInvalid},
		{get11 + "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n", rule.CodingInvalid},
		{get11 + "Transfer-Encoding: chunked, gzip\r\n\r\n", rule.CodingInvalid},
		{get11 + "Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n\r\n", rule.CodingInvalid},
		{get11 + "Transfer-Encoding: chunked;q=1\r\n\r\n", rule.CodingInvalid},
		{get11 + "Transfer-Encoding: \"chunked\"\r\n\r\n", rule.CodingInvalid},
		{get11 + "Transfer-Encoding: chunked chunked\r\n\r\n", rule.CodingInvalid},
		{get11 + "Transfer-Encoding: chunked\x0b\r\n\r\n", rule.BadFieldValue},

		// expectations
		{get11 + "Expect: 200-ok\r\n\r\n", rule.ExpectationUnknown},
		{get11 + "Expect: 100-continue, x\r\n\r\n", rule.ExpectationUnknown},
		{get11 + "Expect: 100-continue\r\nExpect: x\r\n\r\n", rule.ExpectationUnknown},
		{get11 + "Expect: 100-continue=1\r\n\r\n", rule.ExpectationUnknown},
	} {
		if _, _, broken := parse(t, &Limits{}, c.in); broken != c.want {
			t.Errorf("%.80q: %v, want %v", c.in, broken, c.want)
		}
	}
}

// Whatever was understood before the fault is there for the log.
func TestRefusedHead(t *testing.T) {
	for _, c := range []struct{ in, method, target, proto string }{
		{"\x16\x03", "", "", "0.0"},
		{"GET /<", "GET", "/", "0.0"},
		{"GET /a b", "GET", "/a", "0.0"},
		{"GET /a HTTP/2.0", "GET", "/a", "2.0"},
		{"GET /a HTTP/1.0\r\n A", "GET", "/a", "1.0"},
		{"GET /a?b HTTP/1.1\r\nHost: ,\r\n\r\n", "GET", "/a?b", "1.1"},
	} {
		h, _, broken := parse(t, &Limits{}, c.in)
		proto := string([]byte{'0' + h.Major, '.', '0' + h.Minor})
		if broken == 0 || h.Method != c.method || h.Target != c.target || proto != c.proto {
			t.Errorf("%q: %v %q %q %s", c.in, broken, h.Method, h.Target, proto)
		}
	}
}
