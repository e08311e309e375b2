package wire

import (
	"strings"
	"testing"

	"freshet/internal/rule"
)

// get11 is the start of a good request that the field tables extend.
const get11 = "GET / HTTP/1.1\r\nHost: h\r\n"

func parse(t *testing.T, l *Limits, in string) (*Head, int, rule.ID) {
	t.Helper()
	h := new(Head)
	n, broken := l.ParseRequest([]byte(in), h)
	if broken != 0 && n != 0 {
		t.Errorf("%q: refused and yet n = %d", in, n)
	}
	return h, n, broken
}

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

func TestTargets(t *testing.T) {
	for _, c := range []struct {
		line string
		want Head
	}{
		{"GET / HTTP/1.1", Head{Path: "/", Host: "h"}},
		{"GET /a/b%20c?d=e?f HTTP/1.1", Head{Path: "/a/b%20c", Query: "d=e?f", HasQuery: true, Host: "h"}},
		{"GET /? HTTP/1.1", Head{Path: "/", HasQuery: true, Host: "h"}},
		{"GET //x/y HTTP/1.1", Head{Path: "//x/y", Host: "h"}},
		{"GET /a[1]:@!$&'()*+,;=-._~%ff HTTP/1.1", Head{Path: "/a[1]:@!$&'()*+,;=-._~%ff", Host: "h"}},
		{"GET /?[]|\\^`{}/?:@' HTTP/1.1", Head{Path: "/", Query: "[]|\\^`{}/?:@'", HasQuery: true, Host: "h"}},
		{"OPTIONS * HTTP/1.1", Head{Path: "*", Host: "h"}},
		{"OPTIONS /x HTTP/1.1", Head{Path: "/x", Host: "h"}},
		{"OPTIONS http://a.b:1 HTTP/1.1", Head{Path: "*", Scheme: "http", Host: "a.b:1"}},
		{"OPTIONS http://a.b/ HTTP/1.1", Head{Path: "/", Scheme: "http", Host: "a.b"}},
		{"GET http://a.b HTTP/1.1", Head{Path: "/", Scheme: "http", Host: "a.b"}},
		{"GET http://a.b?c HTTP/1.1", Head{Path: "/", Query: "c", HasQuery: true, Scheme: "http", Host: "a.b"}},
		{"GET HTTPS://[::1]:8/x?y HTTP/1.1", Head{Path: "/x", Query: "y", HasQuery: true, Scheme: "https", Host: "[::1]:8"}},
		{"CONNECT a.b:443 HTTP/1.1", Head{Host: "a.b:443"}},
		{"CONNECT [::1]:443 HTTP/1.1", Head{Host: "[::1]:443"}},
		{"M-SEARCH /x HTTP/1.1", Head{Path: "/x", Host: "h"}},
	} {
		h, n, broken := parse(t, &Limits{}, c.line+"\r\nHost: h\r\n\r\n")
		method, rest, _ := strings.Cut(c.line, " ")
		target, _, _ := strings.Cut(rest, " ")
		if !ValidTarget(method, target) {
			t.Errorf("ValidTarget(%q, %q) = false", method, target)
		}
		if broken != 0 || n != len(c.line)+13 {
			t.Errorf("%s: %v, n = %d", c.line, broken, n)
		}
		if h.Method != method || h.Target != target || h.Path != c.want.Path || h.Query != c.want.Query ||
			h.HasQuery != c.want.HasQuery || h.Scheme != c.want.Scheme || h.Host != c.want.Host {
			t.Errorf("%s: %+v", c.line, h)
		}
	}
	for _, c := range []struct{ method, target string }{
		{"GET", ""}, {"GET", "/%"}, {"GET", "/%4"}, {"GET", "/a b"}, {"GET", "*"}, {"GET", "/\r\n"}, {"GET", "%"},
	} {
		if ValidTarget(c.method, c.target) {
			t.Errorf("ValidTarget(%q, %q) = true", c.method, c.target)
		}
	}
}

func TestAccepted(t *testing.T) {
	const big = "9223372036854775807"
	for _, c := range []struct {
		in   string
		want Head // of which the fields that say what to do with the message
	}{
		{get11, Head{}},
		{get11 + "Content-Length: 0\r\n", Head{}},
		{get11 + "Content-Length: 5\r\n", Head{ContentLength: 5}},
		{get11 + "Content-Length: \t 005 \t\r\n", Head{ContentLength: 5}},
		{get11 + "Content-Length: " + big + "\r\n", Head{ContentLength: 1<<63 - 1}},
		{get11 + "Content-Length: 5\r\ncontent-length: 5\r\n", Head{ContentLength: 5}},
		{get11 + "Content-Length: 5,5 , 5\r\n", Head{ContentLength: 5}},
		{"GET / HTTP/1.0\r\nContent-Length: 7\r\n", Head{ContentLength: 7, Close: true}},
		{get11 + "Transfer-Encoding: chunked\r\n", Head{ContentLength: -1, Chunked: true}},
		{get11 + "transfer-encoding:ChunKed\t\r\n", Head{ContentLength: -1, Chunked: true}},

		{get11 + "Connection: close\r\n", Head{Close: true}},
		{get11 + "Connection: keep-alive, x\r\nConnection: Y,\tCLOSE ,z\r\n", Head{Close: true}},
		{get11 + "Connection: keep-alive\r\n", Head{}},
		{get11 + "Connection: closed, x-close\r\n", Head{}},
		{"GET / HTTP/1.0\r\n", Head{Close: true}},
		{"GET / HTTP/1.0\r\nConnection: Keep-Alive\r\n", Head{}},
		{"GET / HTTP/1.0\r\nConnection: keep-alive, close\r\n", Head{Close: true}},
		{"GET / HTTP/1.0\r\nKeep-Alive: 5\r\n", Head{Close: true}},
		{"GET / HTTP/1.2\r\nHost:\r\n", Head{}},
		{"GET / HTTP/1.1\r\nHost: \r\n", Head{}},

		{get11 + "Connection: Upgrade\r\nUpgrade: websocket\r\n", Head{Upgrade: true}},
		{get11 + "Connection: upgrade\r\n", Head{}},
		{get11 + "Upgrade: websocket\r\n", Head{}},
		{"GET / HTTP/1.0\r\nConnection: upgrade\r\nUpgrade: websocket\r\n", Head{Close: true}},

		{get11 + "Expect: 100-Continue\r\n", Head{ExpectContinue: true}},
		{get11 + "Expect: 100-continue,\r\nExpect: 100-continue\r\n", Head{ExpectContinue: true}},
		{get11 + "Expect:\r\n", Head{}},
		{"GET / HTTP/1.0\r\nExpect: 100-continue\r\n", Head{Close: true}},
		{"GET / HTTP/1.0\r\nExpect: x\r\n", Head{Close: true}},
	} {
		in := c.in + "\r\n"
		h, n, broken := parse(t, &Limits{}, in+"next")
		if broken != 0 || n != len(in) {
			t.Errorf("%q: %v, n = %d", c.in, broken, n)
			continue
		}
		if h.ContentLength != c.want.ContentLength || h.Chunked != c.want.Chunked || h.Close != c.want.Close ||
			h.Upgrade != c.want.Upgrade || h.ExpectContinue != c.want.ExpectContinue {
			t.Errorf("%q: %+v", c.in, h)
		}
	}
}

func TestFields(t *testing.T) {
	in := "\r\n" + get11 + "A:b\r\na: \t c d\t \r\nX-Empty:\r\nX-Blank: \t\r\nX-Latin: caf\xe9\tau lait, bien chaud\r\n" +
		"if-none-match: \"1\"\r\nIF-NONE-MATCH: \"2\"\r\n!#$%&'*+-.^_`|~09: :x:\r\n\r\nGET"
	h, n, broken := parse(t, &Limits{}, in)
	if broken != 0 || n != len(in)-3 {
		t.Fatalf("%v, n = %d", broken, n)
	}
	want := []Field{
		{"Host", "h", Host}, {"A", "b", None}, {"a", "c d", None}, {"X-Empty", "", None}, {"X-Blank", "", None},
		{"X-Latin", "caf\xe9\tau lait, bien chaud", None}, {"if-none-match", "\"1\"", IfNoneMatch},
		{"IF-NONE-MATCH", "\"2\"", IfNoneMatch}, {"!#$%&'*+-.^_`|~09", ":x:", None},
	}
	if len(h.Fields) != len(want) {
		t.Fatalf("%+v", h.Fields)
	}
	for i, f := range h.Fields {
		if f != want[i] {
			t.Errorf("field %d: %+v, want %+v", i, f, want[i])
		}
	}
	if h.Get(IfNoneMatch) != "\"1\"" || !h.Repeated(Set(IfNoneMatch)) || h.Repeated(Set(Host)) || h.Has(Range) ||
		!h.HasAny(Set(Range, Host)) {
		t.Error("the summary of known fields is wrong")
	}

	// The same Head takes the next request without a trace of the last.
	if _, broken := new(Limits).ParseRequest([]byte("GET / HTTP/1.0\r\n\r\n"), h); broken != 0 || len(h.Fields) != 0 || h.Has(IfNoneMatch) || h.Host != "" {
		t.Errorf("%v %+v", broken, h)
	}
}

func TestLimits(t *testing.T) {
	head := get11 + "A: b\r\n\r\n"
	for _, c := range []struct {
		l    Limits
		in   string
		want rule.ID
	}{
		{Limits{MaxHeadBytes: len(head)}, head, 0},
		{Limits{MaxHeadBytes: len(head)}, head + "body", 0},
		{Limits{MaxHeadBytes: len(head) - 1}, head, rule.HeadTooLarge},
		{Limits{MaxFields: 2}, head, 0},
		{Limits{MaxFields: 1}, head, rule.TooManyFields},
		{Limits{MaxTargetBytes: 4}, "GET /abc HTTP/1.0\r\n\r\n", 0},
		{Limits{MaxTargetBytes: 3}, "GET /abc HTTP/1.0\r\n\r\n", rule.TargetTooLong},
		{Limits{MaxTargetBytes: 3}, "GET /abc", rule.TargetTooLong},
		{Limits{MaxTargetBytes: 3}, "GET /%41", rule.TargetTooLong},
	} {
		if _, _, broken := parse(t, &c.l, c.in); broken != c.want {
			t.Errorf("%+v %q: %v, want %v", c.l, c.in, broken, c.want)
		}
	}
}

func TestLenient(t *testing.T) {
	lf, fold := &Limits{LenientLF: true}, &Limits{LenientFold: true}
	both := &Limits{LenientLF: true, LenientFold: true}
	for _, c := range []struct {
		l     *Limits
		in    string
		want  rule.ID
		value string // of the last field
	}{
		{lf, "GET / HTTP/1.1\nHost: h\n\n", 0, "h"},
		{lf, "\nGET / HTTP/1.0\nA: b \n\n", 0, "b"},
		{lf, get11 + "A: b\n\r\n", 0, "b"},
		{lf, get11 + "A: b\n c\n\n", rule.ObsFold, ""},
		{lf, get11 + "A: b\rc\n\n", rule.BareCR, ""},
		{lf, get11 + "A\n", rule.BadFieldName, ""},
		{fold, get11 + "A: b\r\n c\r\n\r\n", 0, "b   c"},
		{fold, get11 + "A:\r\n\tb\r\n   \r\n \r\n\r\n", 0, "b"},
		{fold, get11 + "A: b\n c\r\n\r\n", rule.BareLF, ""},
		{fold, "GET / HTTP/1.1\r\n A: b\r\n\r\n", rule.LeadingSpace, ""},
		{fold, get11 + "Content-Length: 1\r\n 2\r\n\r\n", rule.LengthInvalid, ""},
		{fold, get11 + "Transfer-Encoding: \r\n chunked\r\n\r\n", 0, "chunked"},
		{fold, get11 + "A: b\r\n \x00\r\n\r\n", rule.BadFieldValue, ""},
		{both, get11 + "A: b\n c\n\n", 0, "b  c"},
	} {
		h, n, broken := parse(t, c.l, c.in)
		if broken != c.want || broken == 0 && (n != len(c.in) || h.Fields[len(h.Fields)-1].Value != c.value) {
			t.Errorf("%q: %v, n = %d, %+v", c.in, broken, n, h.Fields)
		}
	}
}

func TestHTTP09(t *testing.T) {
	l := &Limits{AllowHTTP09: true}
	for _, c := range []struct {
		in   string
		n    int
		want rule.ID
	}{
		{"GET /a?b\r\n", 10, 0},
		{"GET /a?b\nrest", 9, 0},
		{"GET /a?b\r", 0, 0},
		{"GET /a?b", 0, 0},
		{"GET /a?b\rx", 0, rule.BareCR},
		{"GET /a?b \r\n", 0, rule.BadRequestLine},
		{"HEAD /a?b\r\n", 0, rule.BadRequestLine},
		{"GET http://h/\r\n", 0, rule.BadRequestLine},
		{"GET \r\n", 0, rule.BadRequestLine},
		{"GET /% \r\n", 0, rule.BadTarget},
	} {
		h, n, broken := parse(t, l, c.in)
		if n != c.n || broken != c.want {
			t.Errorf("%q: %d %v, want %d %v", c.in, n, broken, c.n, c.want)
		}
		if n > 0 && (h.Major != 0 || h.Minor != 9 || !h.Close || h.Path != "/a" || h.Query != "b" || h.HTTP11()) {
			t.Errorf("%q: %+v", c.in, h)
		}
	}
}

// A head is complete with its last octet and not before.
func TestPortions(t *testing.T) {
	in := "\r\nPOST http://a/b%20?c HTTP/1.1\r\nHost: h\r\nCookie: " + strings.Repeat("x", 3000) + "\r\nContent-Length: 3\r\n\r\n"
	for i := range len(in) {
		if _, n, broken := parse(t, &Limits{}, in[:i]); n != 0 || broken != 0 {
			t.Fatalf("after %d octets: %d %v", i, n, broken)
		}
	}
	if _, n, broken := parse(t, &Limits{}, in); n != len(in) || broken != 0 {
		t.Fatal(n, broken)
	}
	// A head without fields ends where more follows than is parsed untried.
	if _, n, broken := parse(t, &Limits{}, "GET / HTTP/1.0\r\n\r\n"+strings.Repeat("x", 2*searchFrom)); n != 18 || broken != 0 {
		t.Error(n, broken)
	}
	// Past the size from which the end is looked for first, too.
	if _, _, broken := parse(t, &Limits{}, in[:len(in)-4]+"\n"); broken != rule.BareLF {
		t.Error(broken)
	}
}
