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
