package guard

import (
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strconv"
	"strings"
	"testing"

	"freshet/httpd"
	"freshet/internal/alloctest"
	"freshet/internal/rule"
)

var front = []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8"), netip.MustParsePrefix("fd00::/8")}

func TestAddress(t *testing.T) {
	for _, tt := range []struct {
		allow, deny string
		remote, xff string
		passes      bool
	}{
		{"", "192.0.2.0/24", "192.0.2.7:1", "", false},
		{"", "192.0.2.0/24", "192.0.3.7:1", "", true},
		{"192.0.2.0/24", "", "192.0.2.255:1", "", true},
		{"192.0.2.0/24", "", "192.0.3.0:1", "", false},
		{"192.0.2.0/24", "", "192.0.1.255:1", "", false},
		{"192.0.2.7", "", "192.0.2.7:1", "", true},
		{"192.0.2.7", "", "192.0.2.8:1", "", false},
		{"192.0.2.0/24", "192.0.2.7", "192.0.2.7:1", "", false},
		{"192.0.2.0/25 192.0.2.128/25 192.0.2.64/26", "", "192.0.2.200:1", "", true},
		{"192.0.2.0/24 192.0.2.7", "", "192.0.2.9:1", "", true},
		// One family is not the other; but a mapped address is its own.
		{"192.0.2.0/24", "", "[::ffff:192.0.2.7]:1", "", true},
		{"", "192.0.2.0/24", "[::ffff:192.0.2.7]:1", "", false},
		{"::ffff:192.0.2.0/120", "", "192.0.2.7:1", "", true},
		{"::/0", "", "192.0.2.7:1", "", false},
		{"0.0.0.0/0", "", "[2001:db8::1]:1", "", false},
		{"2001:db8::/32", "", "[2001:db8:ffff:ffff:ffff:ffff:ffff:ffff]:1", "", true},
		{"2001:db8::/32", "", "[2001:db9::]:1", "", false},
		{"fe80::/10", "", "[fe80::1%eth0]:1", "", true},
		{"255.255.255.255 ::", "", "255.255.255.255:1", "", true},
		{"all", "", "[2001:db8::1]:1", "", true},
		{"", "all", "192.0.2.7:1", "", false},
		// Clients of Unix sockets have no address.
		{"unix:", "", "@", "", true},
		{"unix:", "", "192.0.2.7:1", "", false},
		{"192.0.2.0/24", "", "@", "", false},
		{"0.0.0.0/0 ::/0", "", "", "", false},
		{"all", "unix:", "@", "", false},
		{"all", "", "@", "", true},
		{"", "192.0.2.0/24", "@", "", true},
		// What proxies tell, those that are trusted.
		{"192.0.2.7", "", "10.0.0.1:1", "192.0.2.7", true},
		{"192.0.2.7", "", "10.0.0.1:1", "1.2.3.4, 192.0.2.7, 10.9.9.9", true},
		{"192.0.2.7", "", "10.0.0.1:1", "192.0.2.7, 1.2.3.4", false},
		{"192.0.2.7", "", "1.2.3.4:1", "192.0.2.7", false},
		{"192.0.2.7", "", "10.0.0.1:1", "", false},
		{"192.0.2.7", "", "10.0.0.1:1", "192.0.2.7, unknown", false},
		{"192.0.2.7", "", "10.0.0.1:1", "::ffff:192.0.2.7", true},
		{"192.0.2.7", "", "[fd00::1]:1", "192.0.2.7|10.2.2.2", true},
		{"192.0.2.7", "", "10.0.0.1:1", "9.9.9.9|192.0.2.7|10.2.2.2", true},
		{"", "192.0.2.7", "10.0.0.1:1", "10.3.3.3", true},
		{"192.0.2.7", "", "10.0.0.1:1", "192.0.2.7:4711", true},
		{"", "192.0.2.7", "10.0.0.1:1", "192.0.2.7:4711", false},
		{"2001:db8::1", "", "10.0.0.1:1", "[2001:db8::1]:4711", true},
		{"", "2001:db8::1", "10.0.0.1:1", "[2001:db8::1]", false},
		// What they do not tell is nobody's address, and not theirs.
		{"10.0.0.0/8", "", "10.0.0.1:1", "unknown", false},
		{"10.0.0.0/8", "", "10.0.0.1:1", "192.0.2.9:x", false},
		{"10.0.0.0/8 unix:", "", "10.0.0.1:1", "unknown, 10.2.2.2", false},
		{"", "192.0.2.7", "10.0.0.1:1", "unknown", false},
		{"", "unix:", "10.0.0.1:1", "unknown", false},
		{"all", "", "10.0.0.1:1", "unknown", true},
		{"all", "192.0.2.7", "10.0.0.1:1", "unknown", false},
		{"10.0.0.0/8", "", "10.0.0.1:1", "", true},
	} {
		g, err := NewAddress(strings.Fields(tt.allow), strings.Fields(tt.deny), front)
		if err != nil {
			t.Fatal(err)
		}
		r := httptest.NewRequest("GET", "/", nil)
		r.RemoteAddr = tt.remote
		if tt.xff != "" {
			r.Header["X-Forwarded-For"] = strings.Split(tt.xff, "|")
		}
		on, refused := g.Check(nil, r)
		if (refused == 0) != tt.passes || refused != 0 && refused != rule.AddressDenied || on != r {
			t.Errorf("allow %q, deny %q: %s, %q: %v", tt.allow, tt.deny, tt.remote, tt.xff, refused)
		}
		on, e := g.Why(r)
		if (on != nil) != tt.passes || e.Rule != refused || len(e.Compared) != 1 || e.Compared[0].Fails == tt.passes {
			t.Errorf("allow %q, deny %q: %s, %q: %+v", tt.allow, tt.deny, tt.remote, tt.xff, e)
		}
	}
}

func TestAddressFaults(t *testing.T) {
	for _, text := range []string{"", "x", "10.0.0.0/33", "10.0.0/8", "10.0.0.1-10.0.0.2", "unix:/run/x", "fe80::1%eth0/64"} {
		if _, err := NewAddress([]string{text}, nil, nil); err == nil || !strings.Contains(err.Error(), "allow: ") {
			t.Errorf("%q: %v", text, err)
		}
	}
}

// A file that is in memory is sent from there, too: nothing is allocated before.
func TestAddressAllocs(t *testing.T) {
	g, err := NewAddress([]string{"unix:", "10.0.0.0/8"}, []string{"192.0.2.0/24"}, front)
	if err != nil {
		t.Fatal(err)
	}
	h, q, a := Hot(yes{}, g), headOf(t, "/"), new(httpd.Answer)
	if !h.ServeHot(q, a) {
		t.Error("it is not hot")
	}
	if n := alloctest.PerRun(100, func() { h.ServeHot(q, a) }); n != 0 {
		t.Errorf("%v allocations", n)
	}
	denied, _ := NewAddress(nil, []string{"unix:"}, nil)
	if Hot(yes{}, denied).ServeHot(q, a) {
		t.Error("what may not pass is hot")
	}
}

// The sorted spans have what the prefixes have, one by one.
func FuzzAddress(f *testing.F) {
	f.Add("10.0.0.0/8 10.1.0.0/16 192.0.2.7 ::/1 2001:db8::/33", "10.255.255.255")
	f.Add("0.0.0.0/1 128.0.0.0/1", "127.255.255.255")
	f.Add("ffff::/16 ffff:ffff::/32", "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff")
	f.Add("::ffff:10.0.0.0/104", "10.0.0.1")
	f.Fuzz(func(t *testing.T, list, text string) {
		words := strings.Fields(list)
		set, err := parseRanges(words)
		a, other := netip.ParseAddr(text)
		if err != nil || other != nil {
			return
		}
		a = a.Unmap().WithZone("")
		want := false
		for _, w := range words {
			p, err := netip.ParsePrefix(w)
			if err != nil {
				one, err := netip.ParseAddr(w)
				want = want || w == "all" || err == nil && one.Unmap().WithZone("") == a
				continue
			}
			want = want || p.Contains(a) || p.Addr().Is4In6() && p.Bits() >= 96 && p.Contains(netip.AddrFrom16(a.As16()))
		}
		if set.has(a) != want {
			t.Errorf("%q has %v: %v", list, a, !want)
		}
	})
}

// hotMark answers on the quick path.
type hotMark struct{}

func (hotMark) ServeHot(_ *httpd.Head, a *httpd.Answer) bool {
	a.Status = 200
	a.Head = append(a.Scratch, "HTTP/1.1 200 OK\r\nX-Path: hot\r\nContent-Length: 0\r\n"...)
	return true
}

// The quick path decides as the other one does about what a proxy tells.
func TestAddressHot(t *testing.T) {
	here := netip.MustParsePrefix("127.0.0.0/8")
	g, err := NewAddress([]string{"127.0.0.0/8", "192.0.2.7"}, nil, []netip.Prefix{here})
	if err != nil {
		t.Fatal(err)
	}
	s := &httpd.Server{Handler: Handler(&saw{}, g), Hot: Hot(hotMark{}, g)}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan struct{})
	go func() { defer close(done); s.Serve(l) }()
	defer func() { s.Close(); <-done }()
	for told, want := range map[string]string{"": "200 hot", "192.0.2.7:4711": "200 hot", "192.0.2.8": "403 ", "unknown": "403 ", "192.0.2.7, unknown": "403 "} {
		q, _ := http.NewRequest("GET", "http://"+l.Addr().String()+"/", nil)
		if q.Close = true; told != "" {
			q.Header.Set("X-Forwarded-For", told)
		}
		answer, err := http.DefaultTransport.RoundTrip(q)
		if err != nil {
			t.Fatal(err)
		}
		answer.Body.Close()
		if got := strconv.Itoa(answer.StatusCode) + " " + answer.Header.Get("X-Path"); got != want {
			t.Errorf("%q: %s, want %s", told, got, want)
		}
	}
}
