package record

import (
	"strings"
	"testing"
	"time"
)

func TestID(t *testing.T) {
	start := FirstID(time.Unix(1800000000, 0))
	for _, id := range []ID{0, 1, start, start + NextConn, start.Request(1<<RequestBits - 1), ^ID(0)} {
		text := id.String()
		for _, s := range []string{text, strings.ToUpper(text)} {
			if got, ok := ParseID(s); !ok || got != id || len(s) != IDLen {
				t.Errorf("%x: %q is read as %x, %v", uint64(id), s, uint64(got), ok)
			}
		}
	}
	for _, bad := range []string{"", "0", "00000000000000", "000000000000i", "000000000000-", "g000000000000"} {
		if id, ok := ParseID(bad); ok {
			t.Errorf("%q is read as %v", bad, id)
		}
	}
}

// A server that starts later has other names, whatever the one before it did.
func TestIDsOfTwoStarts(t *testing.T) {
	now := time.Unix(1800000000, 0)
	last := FirstID(now) + 16383*NextConn // a second of the most connections
	if next := FirstID(now.Add(time.Second)); next <= last {
		t.Errorf("%v is not behind %v", next, last)
	}
}

// Servers that are started together have different names at first.
func TestIDsOfOneSecond(t *testing.T) {
	now := time.Unix(1800000000, 0)
	if a, b := FirstID(now), FirstID(now.Add(time.Millisecond)); b != a+16*NextConn {
		t.Errorf("%v, and %v a millisecond later", a, b)
	}
}

func TestURL(t *testing.T) {
	for _, tt := range []struct {
		r    Record
		want string
	}{
		{Record{Host: "a.example", Target: "/b?c"}, "http://a.example/b?c"},
		{Record{Host: "a.example", Target: "/b", TLS: true}, "https://a.example/b"},
		{Record{Host: "a.example", Target: "*"}, "*"},
		{Record{Target: "/b"}, "/b"},
		{Record{Host: "a.example:1", Target: "http://a.example:1/"}, "http://a.example:1/"},
		{Record{}, ""},
	} {
		if got := tt.r.URL(); got != tt.want {
			t.Errorf("%+v: %q, not %q", tt.r, got, tt.want)
		}
	}
}
