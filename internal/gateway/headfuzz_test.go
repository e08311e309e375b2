package gateway

import (
	"math/rand/v2"
	"reflect"
	"strings"
	"testing"

	"freshet/internal/rule"
	"freshet/internal/wire"
)

// FuzzReadHead has every head that is accepted be one that can be sent, and
// the same whatever portions it comes in.
func FuzzReadHead(f *testing.F) {
	for _, s := range []string{
		"Content-Type: text/plain\n\nbody", "Location: /a\r\n\r\n", "Status: 404 Not Found\nX: y\n\n",
		"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nbody", "X: a\rb\n\n", "\r\n", "\n\r\n", "a\n\r", "Content-Length: 1\nContent-Length: 1\n\n",
	} {
		f.Add(s, false, uint64(1), 0)
		f.Add(s, true, uint64(2), 20)
	}
	f.Fuzz(func(t *testing.T, in string, nph bool, seed uint64, most int) {
		o := outputOf(in)
		if in == "" {
			o = outputOf()
		}
		defer o.Release()
		h, fault := o.ReadHead(nph, most)
		body := string(o.data)
		if h != nil {
			checkHead(t, h, in, body)
		} else if fault.Rule != rule.ScriptNoHead && fault.Rule != rule.ScriptHeadTooLarge && fault.Rule != rule.ScriptHeadInvalid {
			t.Fatalf("%v", fault)
		}

		r := rand.New(rand.NewPCG(seed, 0))
		var parts []string
		for s := in; s != ""; {
			n := 1 + r.IntN(min(len(s), 1+r.IntN(64)))
			parts, s = append(parts, s[:n]), s[n:]
		}
		src := &pieces{all: parts}
		again := NewOutput(src)
		defer again.Release()
		h2, fault2 := again.ReadHead(nph, most)
		if (h == nil) != (h2 == nil) || h != nil && !reflect.DeepEqual(*h, *h2) || h == nil && fault.Rule != fault2.Rule {
			t.Fatalf("in one: %+v, %v\nin portions %q: %+v, %v", h, fault, parts, h2, fault2)
		}
		if h != nil && len(in) <= outputBuffer {
			if body2 := string(again.data) + strings.Join(src.all, ""); body2 != body {
				t.Fatalf("body in one %q, in portions %q", body, body2)
			}
		}
	})
}

func checkHead(t *testing.T, h *Head, in, body string) {
	t.Helper()
	if broken := wire.CheckFields(h.Header); broken != 0 {
		t.Fatalf("%v: %+v", broken, h)
	}
	if h.Status < 200 || h.Status > 599 || h.Length < -1 {
		t.Fatalf("%+v", h)
	}
	for name := range h.Header {
		if name != wire.CanonicalName(name) || name == "Status" {
			t.Fatalf("a field called %q", name)
		}
	}
	for _, name := range wire.HopByHop {
		if h.Header[name] != nil {
			t.Fatalf("%s is of the connection", name)
		}
	}
	if (h.Kind == LocalRedirect) != (h.Local != "") || h.Kind == LocalRedirect && !strings.HasPrefix(h.Local, "/") {
		t.Fatalf("%+v", h)
	}
	head := strings.ReplaceAll(strings.TrimSuffix(in[:min(len(in), outputBuffer)], body), "\r\n", "\n")
	for i := range len(head) {
		if c := head[i]; c < ' ' && c != '\n' && c != '\t' || c == 0x7f {
			t.Fatalf("%q was accepted in %q", c, head)
		}
	}
}
