package gateway

import (
	"errors"
	"fmt"
	"net/http"
	"reflect"
	"strings"
	"testing"

	"freshet/internal/alloctest"
	"freshet/internal/rule"
)

func TestReadHeadKinds(t *testing.T) {
	type header = http.Header
	for _, tt := range []struct {
		name, in string
		nph      bool
		want     Head
	}{
		{"a document", "Content-Type: text/plain\n\n", false, Head{Status: 200, Header: header{"Content-Type": {"text/plain"}}, Length: -1}},
		{"CRLF", "Content-Type: text/plain\r\nStatus: 404 No\r\n\r\n", false, Head{Status: 404, Header: header{"Content-Type": {"text/plain"}}, Length: -1}},
		{"both ends of lines", "Content-Type: a/b\r\nX: 1\n\r\n", false, Head{Status: 200, Header: header{"Content-Type": {"a/b"}, "X": {"1"}}, Length: -1}},
		{"names in any case", "content-TYPE: a/b\nsTATUS: 201\n\n", false, Head{Status: 201, Header: header{"Content-Type": {"a/b"}}, Length: -1}},
		{"white space", "Content-Type:a/b\t \nX:\nY: \t a  b \n\n", false, Head{Status: 200, Header: header{"Content-Type": {"a/b"}, "X": {""}, "Y": {"a  b"}}, Length: -1}},
		{"fields that come again", "Status: 200\nSet-Cookie: a=1\nSet-Cookie: b=2\n\n", false, Head{Status: 200, Header: header{"Set-Cookie": {"a=1", "b=2"}}, Length: -1}},
		{"a status alone", "Status: 404\n\n", false, Head{Status: 404, Header: header{}, Length: -1}},
		{"a length", "Content-Type: a/b\nContent-Length: 007\nContent-Length: 7\n\n", false, Head{Status: 200, Header: header{"Content-Type": {"a/b"}, "Content-Length": {"7"}}, Length: 7}},
		{"a length of none", "Status: 204\nContent-Length: 0\n\n", false, Head{Status: 204, Header: header{}, Length: -1}},
		{"of the connection", "Content-Type: a/b\nConnection: close\nKeep-Alive: 5\nUpgrade: h2c\nTrailer: X\nTE: x\nProxy-Authenticate: x\n\n", false,
			Head{Status: 200, Header: header{"Content-Type": {"a/b"}}, Length: -1}},
		{"letters of others", "Content-Type: a/b\nX: caf\xc3\xa9 \xe9\n\n", false, Head{Status: 200, Header: header{"Content-Type": {"a/b"}, "X": {"caf\xc3\xa9 \xe9"}}, Length: -1}},

		{"a local redirect", "Location: /a?b=c\n\n", false, Head{Kind: LocalRedirect, Status: 200, Header: header{"Location": {"/a?b=c"}}, Length: -1, Local: "/a?b=c"}},
		{"a local redirect that says goodbye", "Location: /a\nConnection: close\n\n", false,
			Head{Kind: ClientRedirect, Status: 302, Header: header{"Location": {"/a"}}, Length: -1}},
		{"a redirect", "Location: https://example.com/a#b\n\n", false, Head{Kind: ClientRedirect, Status: 302, Header: header{"Location": {"https://example.com/a#b"}}, Length: -1}},
		{"another server, without its scheme", "Location: //example.com/\n\n", false, Head{Kind: ClientRedirect, Status: 302, Header: header{"Location": {"//example.com/"}}, Length: -1}},
		{"another server, as browsers read it", "Location: /\\example.com/\n\n", false, Head{Kind: ClientRedirect, Status: 302, Header: header{"Location": {"/\\example.com/"}}, Length: -1}},
		{"a relative redirect", "Location: a\n\n", false, Head{Kind: ClientRedirect, Status: 302, Header: header{"Location": {"a"}}, Length: -1}},
		{"a path with a fragment", "Location: /a#b\n\n", false, Head{Kind: ClientRedirect, Status: 302, Header: header{"Location": {"/a#b"}}, Length: -1}},
		{"a path and a cookie", "Set-Cookie: a=1\nLocation: /a\n\n", false, Head{Kind: ClientRedirect, Status: 302, Header: header{"Location": {"/a"}, "Set-Cookie": {"a=1"}}, Length: -1}},
		{"a path and a type", "Location: /a\nContent-Type: a/b\n\n", false, Head{Kind: ClientRedirect, Status: 302, Header: header{"Location": {"/a"}, "Content-Type": {"a/b"}}, Length: -1}},
		{"a path and a length", "Location: /a\nContent-Length: 0\n\n", false, Head{Kind: ClientRedirect, Status: 302, Header: header{"Location": {"/a"}, "Content-Length": {"0"}}, Length: 0}},
		{"a redirect with a status", "Status: 303 See Other\nLocation: /a\n\n", false, Head{Status: 303, Header: header{"Location": {"/a"}}, Length: -1}},
		{"a document that was made", "Status: 201\nLocation: /new\nContent-Type: a/b\n\n", false, Head{Status: 201, Header: header{"Location": {"/new"}, "Content-Type": {"a/b"}}, Length: -1}},

		{"nph", "HTTP/1.1 404 Not There\r\nX: y\r\n\r\n", true, Head{Status: 404, Header: header{"X": {"y"}}, Length: -1}},
		{"nph without a reason", "HTTP/1.0 200\nContent-Type: a/b\n\n", true, Head{Status: 200, Header: header{"Content-Type": {"a/b"}}, Length: -1}},
		{"nph alone", "HTTP/1.1 200 OK\n\n", true, Head{Status: 200, Header: header{}, Length: -1}},
		{"nph redirects itself", "HTTP/1.1 302 Found\nLocation: /a\n\n", true, Head{Status: 302, Header: header{"Location": {"/a"}}, Length: -1}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			for how, in := range map[string][]string{"at once": {tt.in + "body"}, "by octets": byOctets(tt.in + "body")} {
				o := outputOf(in...)
				defer o.Release()
				got, f := o.ReadHead(tt.nph, 0)
				if f != nil {
					t.Fatalf("%s: %v", how, f)
				}
				if !reflect.DeepEqual(*got, tt.want) {
					t.Errorf("%s:\n%+v, want\n%+v", how, *got, tt.want)
				}
				if !strings.HasPrefix("body", string(o.data)) {
					t.Errorf("%s: the body begins with %q", how, o.data)
				}
			}
		})
	}
}

func TestReadHeadFaults(t *testing.T) {
	const ct = "Content-Type: a/b\n"
	for _, tt := range []struct {
		name, in string
		nph      bool
		want     rule.ID
		detail   string // part of it
	}{
		{"nothing", "", false, rule.ScriptNoHead, "it printed nothing"},
		{"no empty line", ct, false, rule.ScriptNoHead, `no empty line after "Content-Type: a/b"`},
		{"half a line", "Content-Ty", false, rule.ScriptNoHead, `"Content-Ty"`},
		{"half an empty line", ct + "\r", false, rule.ScriptNoHead, ""},
		{"a body without a head", "<html>\n\n", false, rule.ScriptHeadInvalid, `no field: "<html>"`},
		{"an empty head", "\n", false, rule.ScriptHeadInvalid, "no Content-Type"},
		{"an empty head with CRLF", "\r\n", false, rule.ScriptHeadInvalid, "no Content-Type"},
		{"no type", "X: y\n\n", false, rule.ScriptHeadInvalid, "no Content-Type"},
		{"a status line", "HTTP/1.1 200 OK\n" + ct + "\n", false, rule.ScriptHeadInvalid, "begins with nph-"},
		{"no name", ": x\n\n", false, rule.ScriptHeadInvalid, "no field"},
		{"a space before the colon", "Content-Type : a/b\n\n", false, rule.ScriptHeadInvalid, "no field"},
		{"a folded line", ct + "X: a\n b\n\n", false, rule.ScriptHeadInvalid, `no field: " b"`},
		{"a bare CR", ct + "X: a\rSet-Cookie: evil\n\n", false, rule.ScriptHeadInvalid, `\r`},
		{"two CRs", ct + "X: a\r\r\n\n", false, rule.ScriptHeadInvalid, `\r`},
		{"a CR in a name", ct + "X\rY: a\n\n", false, rule.ScriptHeadInvalid, `\r`},
		{"NUL", ct + "X: a\x00b\n\n", false, rule.ScriptHeadInvalid, `\x00`},
		{"DEL", ct + "X: a\x7fb\n\n", false, rule.ScriptHeadInvalid, `\x7f`},
		{"an escape", ct + "X: a\x1b[2J\n\n", false, rule.ScriptHeadInvalid, `\x1b`},
		{"a status that is none", "Status: OK\n\n", false, rule.ScriptHeadInvalid, "from 200 to 599"},
		{"a status with a sign", "Status: +20\n\n", false, rule.ScriptHeadInvalid, "from 200 to 599"},
		{"an empty status", "Status:\n\n", false, rule.ScriptHeadInvalid, "from 200 to 599"},
		{"a status of more digits", "Status: 0200\n\n", false, rule.ScriptHeadInvalid, "from 200 to 599"},
		{"an interim status", "Status: 101\n\n", false, rule.ScriptHeadInvalid, "from 200 to 599"},
		{"no status of HTTP", "Status: 600\n\n", false, rule.ScriptHeadInvalid, "from 200 to 599"},
		{"two statuses", "Status: 200\nStatus: 200\n\n", false, rule.ScriptHeadInvalid, "a second status"},
		{"two locations", "Location: /a\nLocation: /b\n\n", false, rule.ScriptHeadInvalid, "a second Location"},
		{"no location", "Location:\n\n", false, rule.ScriptHeadInvalid, "an empty one"},
		{"two lengths", ct + "Content-Length: 1\nContent-Length: 2\n\n", false, rule.ScriptHeadInvalid, "no length"},
		{"a list of lengths", ct + "Content-Length: 1, 1\n\n", false, rule.ScriptHeadInvalid, "no length"},
		{"a negative length", ct + "Content-Length: -1\n\n", false, rule.ScriptHeadInvalid, "no length"},
		{"a length beyond all", ct + "Content-Length: 9223372036854775808\n\n", false, rule.ScriptHeadInvalid, "no length"},
		{"framing", ct + "Transfer-Encoding: chunked\n\n", false, rule.ScriptHeadInvalid, "the server frames"},
		{"nph that is none", ct + "\n", true, rule.ScriptHeadInvalid, "promises a status line"},
		{"nph of another version", "HTTP/2 200\n\n", true, rule.ScriptHeadInvalid, "promises a status line"},
		{"nph without a code", "HTTP/1.1\n\n", true, rule.ScriptHeadInvalid, "from 200 to 599"},
		{"nph with an interim code", "HTTP/1.1 100 Continue\n\n", true, rule.ScriptHeadInvalid, "from 200 to 599"},
		{"nph with a CR", "HTTP/1.1 200 O\rK\n\n", true, rule.ScriptHeadInvalid, "a control character"},
		{"nph with two statuses", "HTTP/1.1 200 OK\nStatus: 404\n\n", true, rule.ScriptHeadInvalid, "a second status"},
		{"nph without anything", "\n", true, rule.ScriptHeadInvalid, "no Content-Type"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			for how, in := range map[string][]string{"at once": {tt.in}, "by octets": byOctets(tt.in)} {
				if tt.in == "" {
					in = nil
				}
				o := outputOf(in...)
				defer o.Release()
				h, f := o.ReadHead(tt.nph, 0)
				if f == nil {
					t.Fatalf("%s: accepted: %+v", how, h)
				}
				if f.Rule != tt.want || !strings.Contains(f.Detail, tt.detail) || f.Err != nil {
					t.Errorf("%s: %v: %q, %v; want %v, %q", how, f.Rule, f.Detail, f.Err, tt.want, tt.detail)
				}
				if !strings.HasPrefix(f.Error(), rule.Of(tt.want).Sentence) {
					t.Errorf("%s: %q", how, f.Error())
				}
			}
		})
	}
}

// TestReadHeadLimits looks at both sides of each limit.
func TestReadHeadLimits(t *testing.T) {
	head := func(octets int) string {
		s := "Content-Type: a/b\nX: "
		return s + strings.Repeat("x", octets-len(s)-2) + "\n\n"
	}
	lines := func(n int) string { return "Content-Type: a/b\n" + strings.Repeat("X: y\n", n-1) + "\n" }
	for _, tt := range []struct {
		in   string
		most int
		want rule.ID
	}{
		{head(100), 100, 0},
		{head(101), 100, rule.ScriptHeadTooLarge},
		{head(DefaultMaxHead), 0, 0},
		{head(DefaultMaxHead + 1), 0, rule.ScriptHeadTooLarge},
		{head(64 << 10), 1 << 30, 0},
		{head(64<<10 + 1), 1 << 30, rule.ScriptHeadTooLarge},
		{strings.Repeat("x", 99), 100, rule.ScriptNoHead},
		{strings.Repeat("x", 100), 100, rule.ScriptHeadTooLarge},
		{strings.Repeat("x", 1<<20), 0, rule.ScriptHeadTooLarge},
		{lines(256), 0, 0},
		{lines(257), 0, rule.ScriptHeadTooLarge},
	} {
		for _, size := range []int{1, 7, 1 << 20} {
			var in []string
			for s := tt.in; s != ""; {
				n := min(size, len(s))
				in, s = append(in, s[:n]), s[n:]
			}
			o := outputOf(in...)
			_, f := o.ReadHead(false, tt.most)
			o.Release()
			var got rule.ID
			if f != nil {
				got = f.Rule
			}
			if got != tt.want {
				t.Errorf("%d octets, %d lines, at most %d, by %d: %v, want %v",
					len(tt.in), strings.Count(tt.in, "\n")-1, tt.most, size, got, tt.want)
			}
		}
	}
}

// TestReadHeadBroken tells an output that failed from one that ended.
func TestReadHeadBroken(t *testing.T) {
	broken := errors.New("broken")
	o := NewOutput(&pieces{all: []string{"Content-Ty"}, err: broken})
	defer o.Release()
	if _, f := o.ReadHead(false, 0); f == nil || f.Rule != rule.ScriptNoHead || !errors.Is(f, broken) {
		t.Errorf("%v", f)
	}
	o2 := NewOutput(&pieces{all: []string{"Status: 204\n\nx"}, err: broken})
	defer o2.Release()
	if _, f := o2.ReadHead(false, 0); f != nil {
		t.Errorf("a whole head: %v", f)
	}
}

// TestReadHeadQuotes shows an operator no more than the beginning of a line.
func TestReadHeadQuotes(t *testing.T) {
	o := outputOf(strings.Repeat("\x1b", 1000) + "\n\n")
	defer o.Release()
	_, f := o.ReadHead(false, 0)
	if f == nil || len(f.Detail) > 400 || strings.ContainsRune(f.Detail, '\x1b') {
		t.Errorf("%v", f)
	}
}

// TestReadHeadAllocations has a head of eight fields cost few allocations.
func TestReadHeadAllocations(t *testing.T) {
	var b strings.Builder
	b.WriteString("Content-Type: text/html\r\n")
	for i := range 7 {
		fmt.Fprintf(&b, "X-Field-%d: value\r\n", i)
	}
	b.WriteString("\r\nbody")
	in := b.String()
	got := alloctest.PerRun(100, func() {
		o := NewOutput(&pieces{all: []string{in}})
		if _, f := o.ReadHead(false, 0); f != nil {
			t.Fatal(f)
		}
		o.Release()
	})
	if got > 45 {
		t.Errorf("%v allocations", got)
	}
}
