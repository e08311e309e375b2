package forward

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/netip"
	"strings"
	"syscall"
	"testing"
	"time"
)

// The most specific pattern decides; of the same one, what is passed through
// comes before what is inspected, and that before the list of what is left out.
func TestHosts(t *testing.T) {
	for _, tt := range []struct {
		inspect, pass string
		host          string
		want          bool
	}{
		{"", "", "www.test", false},
		{"*", "", "www.test", true},
		{"*", "", "localhost", true},
		{"*", "", "192.0.2.1", false},
		{"*", "", "2001:db8::1", false},
		{"192.0.2.1 [2001:DB8::1]", "", "192.0.2.1", true},
		{"192.0.2.1 [2001:DB8::1]", "", "2001:db8::1", true},
		{"www.test", "", "www.test", true},
		{"www.test", "", "a.www.test", false},
		{"WWW.Test.", "", "www.test", true},
		{".test", "", "www.test", true},
		{".test", "", "test", true},
		{"*.test", "", "a.b.test", true},
		{".test", "", "atest", false},
		{"*", ".test", "www.test", false},
		{".www.test", ".test", "a.www.test", true},
		{".test", "www.test", "www.test", false},
		{"www.test", ".test", "www.test", true},
		{".test", ".test", "www.test", false},
		{"*", "*", "www.test", false},
		// The list of what is left out.
		{"*", "", "www.paypal.com", false},
		{".com", "", "www.paypal.com", false},
		{".paypal.com", "", "www.paypal.com", true},
		{"www.paypal.com", "", "www.paypal.com", true},
		{"www.paypal.com", "", "api.paypal.com", false},
		{".paypal.com", ".paypal.com", "www.paypal.com", false},
		{"*", "", "irs.gov", false},
		{"*", "", "www.nhs.uk", false},
	} {
		h, err := newHosts(strings.Fields(tt.inspect), strings.Fields(tt.pass))
		if err != nil {
			t.Fatal(err)
		}
		if got := h.inspects(plainHost(tt.host)); got != tt.want {
			t.Errorf("inspect %q, pass %q: %s is inspected: %v", tt.inspect, tt.pass, tt.host, got)
		}
	}
}

// The list of what is left out has each pattern once, and no pattern that
// another one covers.
func TestPassedThrough(t *testing.T) {
	for i, p := range passedThrough {
		for j, q := range passedThrough {
			if i != j && (p == q || strings.HasPrefix(q, ".") && strings.HasSuffix("."+strings.TrimPrefix(p, "."), q)) {
				t.Errorf("%s is covered by %s", p, q)
			}
		}
	}
}

// Patterns of any text are a fault, or hold for what they say.
func FuzzHosts(f *testing.F) {
	for _, s := range []string{"www.test", ".test", "*", "*.test", "192.0.2.1", "[::1]", "a..b", "-", "xn--a.test", "WWW.", ".", "..", "*.", "[", "1.2.3", "%", "::ffff:192.0.2.1", "fe80::1%eth0"} {
		f.Add(s, "www.test")
	}
	f.Fuzz(func(t *testing.T, pattern, host string) {
		h, err := newHosts([]string{pattern}, nil)
		if err != nil {
			return
		}
		host = plainHost(host)
		if plainHost(host) != host && isHostName(host) {
			t.Errorf("%q is not plain", host)
		}
		h.inspects(host)
		if own := plainHost(strings.TrimPrefix(strings.TrimPrefix(pattern, "*"), ".")); own != "" && !h.inspects(own) {
			t.Errorf("%q does not hold for %q", pattern, own)
		}
		if h, err := newHosts([]string{pattern}, []string{pattern}); err != nil || h.inspects(host) {
			t.Errorf("%q is inspected although it is passed through: %v", pattern, err)
		}
	})
}

// Signs add up to a pin within an hour; what is used is not pinned by silence.
func TestSigns(t *testing.T) {
	const minute = int64(time.Minute)
	ann, ben := netip.MustParseAddr("192.0.2.1"), netip.MustParseAddr("192.0.2.2")
	for name, tt := range map[string]struct {
		signs []sign
		every int64
		used  bool
		want  string // why it is pinned; "" when it is not
	}{
		"refused once":               {[]sign{refused}, minute, false, ""},
		"refused twice":              {[]sign{refused, refused}, minute, false, "2 alerts about the certificate"},
		"refused twice, but used":    {[]sign{refused, refused}, minute, true, "2 alerts about the certificate"},
		"refused now and then":       {[]sign{refused, refused}, 61 * minute, false, ""},
		"cut off twice":              {[]sign{cutOff, cutOff}, minute, false, ""},
		"cut off three times":        {[]sign{cutOff, cutOff, cutOff}, minute, false, "3 handshakes cut off on seeing the certificate"},
		"cut off once long ago":      {[]sign{cutOff, refused, refused}, 31 * minute, false, ""},
		"unused five times":          {[]sign{unused, unused, unused, unused, unused}, minute, false, ""},
		"unused six times":           {[]sign{unused, unused, unused, unused, unused, unused}, minute, false, "6 connections closed with nothing asked"},
		"unused six times, but used": {[]sign{unused, unused, unused, unused, unused, unused}, minute, true, ""},
		"mixed":                      {[]sign{refused, unused, cutOff}, minute, false, "1 alert about the certificate, 1 handshake cut off on seeing the certificate, 1 connection closed with nothing asked"},
	} {
		p := &pins{keep: time.Hour}
		now := int64(1e18)
		if tt.used {
			p.took(ann, "www.test", now)
		}
		got := false
		for _, s := range tt.signs {
			now += tt.every
			got = p.note(ann, "www.test", s, now)
		}
		if pinned := tt.want != ""; got != pinned || p.has(ann, "www.test", now) != pinned {
			t.Errorf("%s: pinned %v", name, got)
		}
		if tt.want != "" {
			want := Pinned{Client: ann, Host: "www.test", Since: time.Unix(0, now), Until: time.Unix(0, now).Add(time.Hour), Why: tt.want}
			if p.note(ann, "www.test", refused, now+1) { // of a connection that was open
				t.Errorf("%s: pinned anew", name)
			}
			if all := p.list(now + 1); len(all) != 1 || all[0] != want {
				t.Errorf("%s: listed %+v, want %+v", name, all, want)
			}
		}
		if p.has(ben, "www.test", now) || p.has(ann, "test", now) {
			t.Errorf("%s: for others, too", name)
		}
		if tt.want == "" && len(p.list(now)) > 0 || p.has(ann, "www.test", now+61*minute) || len(p.list(now+61*minute)) > 0 {
			t.Errorf("%s: listed %v", name, p.list(now))
		}
	}
}

// What is known of clients is bounded.
func TestPinsBound(t *testing.T) {
	p := &pins{keep: time.Hour}
	ann := netip.MustParseAddr("192.0.2.1")
	for i := range maxClientHosts + 10 {
		p.note(ann, fmt.Sprint(i), refused, 1)
		p.note(ann, fmt.Sprint(i), refused, 1)
	}
	if len(p.by) != maxClientHosts || p.recent.Len() != maxClientHosts {
		t.Errorf("%d and %d", len(p.by), p.recent.Len())
	}
	if p.has(ann, "9", 2) || !p.has(ann, "10", 2) {
		t.Error("not the oldest went")
	}
	p.note(ann, "new", refused, 2)
	if p.has(ann, "11", 2) || !p.has(ann, "10", 2) {
		t.Error("what is in use went, and not the oldest")
	}
	if !p.forget(ann, "10") || p.forget(ann, "10") || p.has(ann, "10", 2) {
		t.Error("not forgotten")
	}
}

// What was found out about a server holds for a time, and for so many servers.
func TestStandings(t *testing.T) {
	now := int64(1e18)
	c := &checker{now: func() int64 { return now }}
	for s, keeps := range map[standing]time.Duration{valid: validFor, wantsCert: wantsCertFor, noTLS: noTLSFor} {
		c.keep("www.test:443", s)
		if now += int64(keeps) - 1; c.known("www.test:443") != s {
			t.Errorf("%d is forgotten", s)
		}
		if now++; c.known("www.test:443") != unknown {
			t.Errorf("%d is known for longer", s)
		}
		c.keep("www.test:443", s)
		if now -= int64(time.Second); c.known("www.test:443") != unknown {
			t.Errorf("%d is known although the clock was set back", s)
		}
	}
	for i := range maxStandings + 10 {
		c.keep(fmt.Sprint(i), valid)
	}
	if len(c.by) != maxStandings || c.recent.Len() != maxStandings || c.known("9") != unknown || c.known("10") != valid {
		t.Errorf("%d and %d", len(c.by), c.recent.Len())
	}
}

// When as many handshakes are under way as there may be, who waits for too long
// is let go of.
func TestMaxHandshakes(t *testing.T) {
	in := &inspector{timeout: time.Millisecond, shaking: make(chan struct{}, 1)}
	in.shaking <- struct{}{}
	if _, err := in.shake(&tunnelled{}); err != errBusy {
		t.Errorf("got %v", err)
	}
}

// A ClientHello that is larger than any is not kept.
func TestMaxHello(t *testing.T) {
	ours, theirs := net.Pipe()
	defer ours.Close()
	go func() {
		defer theirs.Close()
		theirs.Write(make([]byte, maxHello+1))
	}()
	n, err := io.Copy(io.Discard, &tunnelled{Conn: ours})
	if err != errHello || n > maxHello {
		t.Errorf("%d, %v", n, err)
	}
}

// What was read of a handshake, and what came with the request for the tunnel,
// is all there for the server.
func TestUnread(t *testing.T) {
	ours, theirs := net.Pipe()
	go func() {
		io.WriteString(theirs, "over the wire")
		theirs.Close()
	}()
	c := &tunnelled{Conn: ours, early: []byte("early, ")}
	if is, err := c.beginsTLS(); is || err != nil {
		t.Fatal(is, err)
	}
	if _, err := io.ReadFull(c, make([]byte, 4)); err != nil {
		t.Fatal(err)
	}
	if all, err := io.ReadAll(c.unread()); string(all) != "early, over the wire" || err != nil {
		t.Errorf("%q, %v", all, err)
	}
	ours.Close()
}

// What an error of a handshake says about our certificate.
func TestSignOf(t *testing.T) {
	for err, want := range map[error]sign{
		&net.OpError{Op: "remote error", Err: alertForTest(42)}: refused,
		&net.OpError{Op: "remote error", Err: alertForTest(48)}: refused,
		&net.OpError{Op: "remote error", Err: alertForTest(40)}: 0, // handshake_failure
		&net.OpError{Op: "remote error", Err: alertForTest(70)}: 0, // protocol_version
		&net.OpError{Op: "remote error", Err: alertForTest(90)}: 0, // user_canceled
		&net.OpError{Op: "local error", Err: alertForTest(20)}:  cutOff,
		&net.OpError{Op: "local error", Err: alertForTest(40)}:  0, // no cipher suite in common
		io.EOF:                   cutOff,
		syscall.ECONNRESET:       cutOff,
		context.DeadlineExceeded: 0,
		errors.New("anything"):   0,
	} {
		if got := signOf(fmt.Errorf("handshake: %w", err)); got != want {
			t.Errorf("%v: %d, want %d", err, got, want)
		}
	}
}

type alertForTest uint8

func (a alertForTest) Error() string { return fmt.Sprint(uint8(a)) }

// The same server can be named in several ways, and no other one.
func TestLeadsTo(t *testing.T) {
	for _, tt := range []struct {
		host, port, named string
		want              bool
	}{
		{"www.test", "443", "www.test", true},
		{"www.test", "443", "WWW.test.", true},
		{"www.test", "443", "www.test:443", true},
		{"www.test", "443", "www.test:", true},
		{"www.test", "443", "www.test:80", false},
		{"www.test", "443", "", false},
		{"www.test", "8443", "www.test:8443", true},
		{"www.test", "8443", "www.test", false},
		{"www.test", "8443", "www.test:443", false},
		{"2001:db8::1", "443", "[2001:db8::1]", true},
		{"2001:db8::1", "443", "[2001:DB8:0::1]:443", true},
		{"2001:db8::1", "443", "2001:db8::1", false},
		{"2001:db8::1", "443", "[2001:db8::2]", false},
		{"192.0.2.1", "443", "192.0.2.1", true},
	} {
		c := &tunnelled{authority: authorityOf(tt.host, tt.port)}
		if got := c.leadsTo(tt.named); got != tt.want {
			t.Errorf("%s port %s: %q leads there: %v", tt.host, tt.port, tt.named, got)
		}
	}
}
