package app

import (
	"crypto/tls"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"freshet/internal/wiretest"
)

// ticketServer is TLS with keys of tickets, and a clock that the test moves.
type ticketServer struct {
	t       *testing.T
	addr    string
	tickets *tickets
}

func serveTickets(t *testing.T, keys *tickets, pair tls.Certificate) *ticketServer {
	t.Helper()
	return serveTicketsFor(t, keys, pair, nil)
}

// serveTicketsFor is that with what the site wants of clients.
func serveTicketsFor(t *testing.T, keys *tickets, pair tls.Certificate, wanted *demand) *ticketServer {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	config := newSecure(&tls.Config{Certificates: []tls.Certificate{pair}}, keys, func(string) *demand { return wanted }).config()
	var all sync.WaitGroup
	all.Go(func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			all.Go(func() {
				defer c.Close()
				s := tls.Server(c, config)
				if s.Handshake() == nil {
					fmt.Fprintf(s, "resumed %v\n", s.ConnectionState().DidResume)
				}
				_ = s.Close()
			})
		}
	})
	t.Cleanup(func() { l.Close(); all.Wait() })
	return &ticketServer{t, l.Addr().String(), keys}
}

// greet makes a handshake, and says whether a session was resumed.
func (s *ticketServer) greet(sessions tls.ClientSessionCache, version uint16, name string) bool {
	s.t.Helper()
	c := dialTLS(s.t, s.addr, &tls.Config{ServerName: name, ClientSessionCache: sessions, MinVersion: version, MaxVersion: version})
	said, _ := io.ReadAll(c)
	resumed := strings.Contains(string(said), "resumed true")
	if !resumed && !strings.Contains(string(said), "resumed false") || resumed != c.ConnectionState().DidResume {
		s.t.Fatalf("it says %q", said)
	}
	return resumed
}

// oneSession gives every name the same session, as an attacker would.
type oneSession struct{ tls.ClientSessionCache }

func (o oneSession) Get(string) (*tls.ClientSessionState, bool) { return o.ClientSessionCache.Get("x") }
func (o oneSession) Put(_ string, s *tls.ClientSessionState)    { o.ClientSessionCache.Put("x", s) }

// TestTicketKeys: a ticket is good until its key is 36 hours old, the key is used
// for 12, and a ticket is good for the name that it was made for.
func TestTicketKeys(t *testing.T) {
	p, err := wiretest.NewKeyPair("server", "a.test", "b.test")
	if err != nil {
		t.Fatal(err)
	}
	pair, err := tls.X509KeyPair(p.Cert, p.Key)
	if err != nil {
		t.Fatal(err)
	}
	for _, version := range []uint16{tls.VersionTLS12, tls.VersionTLS13} {
		var mu sync.Mutex
		now := time.Date(2030, 1, 1, 0, 0, 0, 0, time.UTC)
		s := serveTickets(t, newTickets(func() time.Time { mu.Lock(); defer mu.Unlock(); return now }), pair)
		after := func(d time.Duration) {
			mu.Lock()
			defer mu.Unlock()
			now = now.Add(d)
		}
		fresh := func() tls.ClientSessionCache { return tls.NewLRUClientSessionCache(1) }
		had := fresh()
		if s.greet(had, version, "a.test") || !s.greet(had, version, "a.test") {
			t.Fatalf("%x: the first is resumed, or the second is not", version)
		}
		other := oneSession{fresh()}
		s.greet(other, version, "a.test")
		if s.greet(other, version, "b.test") {
			t.Errorf("%x: a session of a.test is resumed for b.test", version)
		}
		// A ticket that is never exchanged for a newer one, made when its key was new.
		first, late := fresh(), fresh()
		s.greet(first, version, "a.test")
		keep, _ := first.Get("a.test")
		try := func() bool {
			once := fresh()
			once.Put("a.test", keep)
			return s.greet(once, version, "a.test")
		}
		after(12*time.Hour - time.Second)
		s.greet(late, version, "a.test") // by the first key, too
		after(time.Second)
		if n := len(s.tickets.keys); n != 1 {
			t.Errorf("%x: %d keys", version, n)
		}
		s.greet(fresh(), version, "a.test")
		if n := len(s.tickets.keys); n != 2 {
			t.Errorf("%x: %d keys after 12 hours", version, n)
		}
		after(24*time.Hour - 2*time.Second)
		if !try() {
			t.Errorf("%x: a ticket of a key that is nearly 36 hours old is not good", version)
		}
		after(2 * time.Second)
		if try() || s.greet(late, version, "a.test") {
			t.Errorf("%x: a ticket of a key of 36 hours is good", version)
		}
		after(1000 * time.Hour)
		if try() || len(s.tickets.keys) != 1 {
			t.Errorf("%x: after weeks: %d keys", version, len(s.tickets.keys))
		}
	}
}

// sClient has openssl say hello, and returns what it says.
func sClient(t *testing.T, addr string, args ...string) (string, error) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "openssl", append([]string{"s_client", "-connect", addr}, args...)...)
	cmd.Stdin = strings.NewReader("GET /a.txt HTTP/1.0\r\nHost: a.test\r\n\r\n")
	out, err := cmd.CombinedOutput()
	return string(out), err
}

// TestTLSAttacks: what openssl tries on a server.
func TestTLSAttacks(t *testing.T) {
	t.Setenv("GODEBUG", "tls10server=1,tlsrsakex=1,tls3des=1") // by these Go offers what is weak
	dir := folder(t, "a.txt", "a\n")
	cert, key := wiretest.WriteKeyPair(t, t.TempDir(), "server", "a.test", "b.test")
	p := start(t, "serve", "--tls-listen", "127.0.0.1:0", "--tls-cert", cert, "--tls-key", key, "--access-log", "off", dir)
	addr := strings.TrimSuffix(strings.TrimPrefix(p.url(), "https://"), "/")
	for _, tt := range []struct {
		name   string
		args   []string
		refuse string // what openssl says then; "": it gets the answer
	}{
		{"TLS 1.3", []string{"-tls1_3", "-ign_eof"}, ""},
		{"TLS 1.2", []string{"-tls1_2", "-ign_eof"}, ""},
		{"TLS 1.1", []string{"-tls1_1", "-cipher", "DEFAULT@SECLEVEL=0"}, "protocol version"},
		{"TLS 1.0", []string{"-tls1", "-cipher", "DEFAULT@SECLEVEL=0"}, "protocol version"},
		{"a downgrade", []string{"-fallback_scsv", "-no_tls1_3"}, "inappropriate fallback"},
		{"encryption apart from authentication", []string{"-tls1_2", "-cipher", "ECDHE-ECDSA-AES128-SHA:ECDHE-RSA-AES128-SHA:ECDHE-ECDSA-AES128-SHA256:ECDHE-RSA-AES256-SHA384"}, "handshake failure"},
		{"no forward secrecy", []string{"-tls1_2", "-cipher", "AES128-SHA256:AES256-SHA256:AES128-SHA:AES128-GCM-SHA256"}, "handshake failure"},
	} {
		said, err := sClient(t, addr, tt.args...)
		switch {
		case tt.refuse == "" && (err != nil || !strings.Contains(said, "HTTP/1.0 200") && !strings.Contains(said, "HTTP/1.1 200")):
			t.Errorf("%s: %v\n%s", tt.name, err, said)
		case tt.refuse != "" && !strings.Contains(said, tt.refuse):
			t.Errorf("%s: it does not say %q: %v\n%s", tt.name, tt.refuse, err, said)
		}
	}
	c13 := dialTLS(t, addr, &tls.Config{ServerName: "a.test", CurvePreferences: []tls.CurveID{tls.X25519, tls.X25519MLKEM768}})
	if got := c13.ConnectionState().CurveID; got != tls.X25519MLKEM768 {
		t.Errorf("keys are exchanged by %v", got)
	}
	_ = c13.Close()
	// A client that wants to negotiate anew gets no second handshake.
	c := exec.CommandContext(t.Context(), "openssl", "s_client", "-connect", addr, "-tls1_2")
	in, err := c.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	said := newOutput()
	c.Stdout, c.Stderr = said, said
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	said.wait(t, `Verify return code`)
	io.WriteString(in, "R\n")
	said.wait(t, `RENEGOTIATING[\s\S]*(no renegotiation|unexpected message)`)
	in.Close()
	_ = c.Wait()

	// A session is resumed, and not for another name.
	session := filepath.Join(t.TempDir(), "session")
	for _, version := range []string{"-tls1_2", "-tls1_3"} {
		if said, err := sClient(t, addr, version, "-servername", "a.test", "-sess_out", session, "-ign_eof"); err != nil || !strings.Contains(said, "New, TLS") {
			t.Errorf("%s: %v\n%s", version, err, said)
		}
		if _, err := os.Stat(session); err != nil {
			t.Fatal(err)
		}
		if said, _ := sClient(t, addr, version, "-servername", "b.test", "-sess_in", session, "-ign_eof"); !strings.Contains(said, "New, TLS") {
			t.Errorf("%s: for another name: %s", version, said)
		}
		if said, _ := sClient(t, addr, version, "-servername", "a.test", "-sess_in", session, "-ign_eof"); !strings.Contains(said, "Reused, TLS") {
			t.Errorf("%s: it is not resumed: %s", version, said)
		}
	}
	p.stop()
}

// TestTicketsOfAFleet: a ticket of one server is good at another, once that has the
// keys; what a server sealed before is good there until it ends.
func TestTicketsOfAFleet(t *testing.T) {
	p, err := wiretest.NewKeyPair("server", "a.test")
	if err != nil {
		t.Fatal(err)
	}
	pair, err := tls.X509KeyPair(p.Cert, p.Key)
	if err != nil {
		t.Fatal(err)
	}
	var mu sync.Mutex
	now := time.Date(2030, 1, 1, 0, 0, 0, 0, time.UTC)
	clock := func(ahead time.Duration) func() time.Time {
		return func() time.Time { mu.Lock(); defer mu.Unlock(); return now.Add(ahead) }
	}
	after := func(d time.Duration) {
		mu.Lock()
		defer mu.Unlock()
		now = now.Add(d)
	}
	hub := serveTickets(t, newTickets(clock(0)), pair)
	member := serveTickets(t, newTickets(clock(3*time.Hour)), pair) // its clock is wrong
	const version, name = tls.VersionTLS13, "a.test"
	at := func(first, then *ticketServer) bool {
		t.Helper()
		had := tls.NewLRUClientSessionCache(1)
		first.greet(had, version, name)
		return then.greet(had, version, name)
	}
	before := tls.NewLRUClientSessionCache(1)
	member.greet(before, version, name)
	if at(hub, member) || at(member, hub) {
		t.Error("a ticket is good at a server that does not have the key")
	}
	tell := func() {
		t.Helper()
		if err := member.tickets.take(hub.tickets.give()); err != nil {
			t.Fatal(err)
		}
	}
	tell()
	tell()
	if !at(hub, member) || !at(member, hub) || !member.greet(before, version, name) {
		t.Error("a ticket is not good at a server that has the key")
	}
	if len(member.tickets.keys) != 2 {
		t.Errorf("%d keys", len(member.tickets.keys))
	}
	after(ticketKeyRenew)
	old := at(member, hub) // the member waits for the key that the hub makes
	tell()
	if !old || !at(member, hub) || !at(hub, member) {
		t.Error("after 12 hours")
	}
	for range 10 {
		after(ticketKeyRenew)
		tell()
	}
	if n := len(member.tickets.keys); n > maxSentKeys {
		t.Errorf("%d keys", n)
	}
	after(ticketKeyRenew + ticketKeyLate) // the hub is gone
	if at(member, member) != true || member.tickets.led {
		t.Error("a server whose hub is gone makes no keys")
	}
	for _, bad := range []string{"", "{}", "[]", `[{"secret":"AAAA","age":0}]`, `[{"secret":"` + strings.Repeat("A", 43) + `=","age":-1}]`,
		`[{"secret":"` + strings.Repeat("A", 43) + `=","age":129600000000000}]`} {
		if err := member.tickets.take([]byte(bad)); err == nil {
			t.Errorf("%q is taken", bad)
		}
	}
}

// TestTicketForged: who was given the fleet's keys cannot make a session that says
// who the client is: where certificates are asked for, a ticket is good at the
// server that made it alone.
func TestTicketForged(t *testing.T) {
	p, err := wiretest.NewKeyPair("server", "a.test")
	if err != nil {
		t.Fatal(err)
	}
	pair, err := tls.X509KeyPair(p.Cert, p.Key)
	if err != nil {
		t.Fatal(err)
	}
	hub, forger := newTickets(nil), newTickets(nil)
	if err := forger.take(hub.give()); err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		what   string
		wanted func() *demand
		resume bool
	}{{"without demands", func() *demand { return nil }, true}, {"with certificates", func() *demand { return &demand{} }, false}} {
		one, other := serveTicketsFor(t, hub, pair, tt.wanted()), serveTicketsFor(t, forger, pair, tt.wanted())
		for _, version := range []uint16{tls.VersionTLS12, tls.VersionTLS13} {
			for _, way := range [][2]*ticketServer{{other, one}, {one, other}} {
				had := tls.NewLRUClientSessionCache(1)
				way[0].greet(had, version, "a.test")
				if got := way[1].greet(had, version, "a.test"); got != tt.resume {
					t.Errorf("%s, %x: a session of another server is resumed: %v", tt.what, version, got)
				}
			}
			own := tls.NewLRUClientSessionCache(1)
			one.greet(own, version, "a.test")
			if !one.greet(own, version, "a.test") {
				t.Errorf("%s, %x: a server does not resume its own session", tt.what, version)
			}
		}
	}
}

// TestTicketOfAnotherServer: openssl begins a session at the hub of a fleet, and
// resumes it at a member.
func TestTicketOfAnotherServer(t *testing.T) {
	origin := editions(t)
	cert, key := wiretest.WriteKeyPair(t, t.TempDir(), "server", "a.test")
	secure := []string{"--tls-listen", "127.0.0.1:0", "--tls-cert", cert, "--tls-key", key}
	hub := startCache(t, origin.URL, t.TempDir(), "", append([]string{"--fleet", "127.0.0.1:0"}, secure...)...)
	_, hubAt := addresses(t, hub.program)
	hub.stderr.wait(t, `(?m)^fleet on `)
	status, token, stderr := hub.run("worker", "invite", "--serves", "other")
	if status != exitOK {
		t.Fatal(stderr)
	}
	member := startCache(t, origin.URL, t.TempDir(), strings.TrimSpace(token), secure...)
	_, memberAt := addresses(t, member.program)
	session := filepath.Join(t.TempDir(), "session")
	hello := func(at string, args ...string) string {
		said, _ := sClient(t, at, append([]string{"-servername", "a.test", "-ign_eof"}, args...)...)
		return said
	}
	for _, version := range []string{"-tls1_2", "-tls1_3"} {
		until(t, "a session of the hub is resumed at the member", func() bool {
			return strings.Contains(hello(hubAt, version, "-sess_out", session), "New, TLS") &&
				strings.Contains(hello(memberAt, version, "-sess_in", session), "Reused, TLS")
		})
		if said := hello(memberAt, version, "-sess_out", session); !strings.Contains(said, "New, TLS") {
			t.Error(said)
		}
		if said := hello(hubAt, version, "-sess_in", session); !strings.Contains(said, "Reused, TLS") {
			t.Errorf("%s: a session of the member is not resumed at the hub: %s", version, said)
		}
	}
	member.stop()
	hub.stop()
}
