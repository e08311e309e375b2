//go:build !nonats

package bus

import (
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"crypto/tls"
	"errors"
	"io"
	"net"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats.go"

	"freshet/internal/wholefile"
)

func openDoor(t *testing.T, s *Server) string {
	t.Helper()
	a, err := s.Open(Listen{Addr: "127.0.0.1:0"})
	if err != nil {
		t.Fatal(err)
	}
	return a.String()
}

func makeToken(t *testing.T, s *Server, o TokenOptions) string {
	t.Helper()
	text, err := s.Token(o)
	if err != nil {
		t.Fatal(err)
	}
	return text
}

func joinFleet(t *testing.T, text string) *Conn {
	t.Helper()
	c, err := Join(limited(t), text, JoinOptions{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	return c
}

// changed is a token with something else in it.
func changed(t *testing.T, text string, change func(*token)) string {
	t.Helper()
	parsed, err := parseToken(text)
	if err != nil {
		t.Fatal(err)
	}
	change(&parsed)
	return parsed.String()
}

func TestJoin(t *testing.T) {
	dir := t.TempDir()
	s := startServer(t, dir)
	if _, err := s.Token(TokenOptions{Name: "n1"}); err == nil {
		t.Error("a token without a door")
	}
	openDoor(t, s)
	if _, err := s.Open(Listen{}); err == nil {
		t.Error("opened twice")
	}
	local := connect(t, s, "local")
	serve(t, local, "jobs.claim", ServeOptions{}, func(_ context.Context, r Request) ([]byte, error) {
		return []byte(r.From + " " + string(r.Payload)), nil
	})
	text := makeToken(t, s, TokenOptions{Name: "n1"})
	if _, err := s.Token(TokenOptions{Name: "n1"}); !errors.Is(err, ErrTaken) {
		t.Errorf("%v", err)
	}
	worker := joinFleet(t, text)
	got, err := worker.Call(limited(t), "jobs.claim", []byte("hello"))
	if err != nil || string(got) != "n1 hello" {
		t.Errorf("%q, %v", got, err)
	}
	large := make([]byte, MaxEntry-10)
	if got, err := worker.Call(limited(t), "jobs.claim", large); err != nil || len(got) != len(large)+3 {
		t.Errorf("%d bytes, %v", len(got), err)
	}
	heard := make(chan string, 1)
	if _, err := worker.Subscribe("jobs.hint.n1", func(h Hint) { heard <- string(h.Payload) }); err != nil {
		t.Fatal(err)
	}
	if err := local.Publish("jobs.hint.n1", []byte("psst")); err != nil {
		t.Fatal(err)
	}
	if got := <-heard; got != "psst" {
		t.Errorf("%q", got)
	}
	peer := joinFleet(t, makeToken(t, s, TokenOptions{Name: "p1", Peer: true}))
	mustAppend(t, openLog(t, peer, "jobs"), 0, "by a peer")

	list := s.Nodes()
	if len(list) != 2 || list[0].Name != "n1" || list[0].Peer || list[0].Conns != 1 || list[0].Address == "" || list[0].Since.IsZero() || !list[1].Peer {
		t.Errorf("%+v", list)
	}

	// Tokens outlive the server; so does its key.
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	s = startServer(t, dir)
	address := openDoor(t, s)
	again := joinFleet(t, changed(t, text, func(t *token) { t.Addresses = []string{address} }))
	if again.Name() != "n1" {
		t.Errorf("%q", again.Name())
	}
}

// TestReconnect: a worker outlives a restart of its server.
func TestReconnect(t *testing.T) {
	dir := t.TempDir()
	s := startServer(t, dir)
	address := openDoor(t, s)
	worker := joinFleet(t, makeToken(t, s, TokenOptions{Name: "n1"}))
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	s = startServer(t, dir)
	if _, err := s.Open(Listen{Addr: address}); err != nil {
		t.Skip("another took the port: ", err)
	}
	serve(t, connect(t, s, "local"), "jobs.claim", ServeOptions{}, func(context.Context, Request) ([]byte, error) { return nil, nil })
	ctx := limited(t)
	for {
		_, err := worker.Call(ctx, "jobs.claim", nil)
		if err == nil {
			return
		}
		if ctx.Err() != nil {
			t.Fatal(err)
		}
		time.Sleep(10 * time.Millisecond)
	}
}

func TestAttackTokens(t *testing.T) {
	s := startServer(t, t.TempDir())
	openDoor(t, s)
	text := makeToken(t, s, TokenOptions{Name: "n1"})
	other := startServer(t, t.TempDir())
	otherAddress := openDoor(t, other)

	_, strange, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	revoked := makeToken(t, s, TokenOptions{Name: "revoked"})
	if err := s.Revoke("revoked"); err != nil {
		t.Fatal(err)
	}
	expired := makeToken(t, s, TokenOptions{Name: "expired", Until: time.Now().Add(time.Hour)})
	s.nodes.mu.Lock()
	s.nodes.now = func() time.Time { return time.Now().Add(2 * time.Hour) }
	s.nodes.mu.Unlock()
	for name, test := range map[string]struct {
		text string
		want error
	}{
		"a key that nobody knows": {changed(t, text, func(t *token) { t.Seed = strange.Seed() }), ErrRefused},
		"revoked":                 {revoked, ErrRefused},
		"expired":                 {expired, ErrRefused},
		"another pin":             {changed(t, text, func(t *token) { t.Pin[0] ^= 1 }), ErrStranger},
		"another server":          {changed(t, text, func(t *token) { t.Addresses = []string{otherAddress} }), ErrStranger},
		"of another server": {changed(t, text, func(t *token) {
			t.Addresses, t.Pin = []string{otherAddress}, other.door.pin
		}), ErrRefused},
		"no token": {"", ErrToken},
	} {
		c, err := Join(limited(t), test.text, JoinOptions{})
		if !errors.Is(err, test.want) {
			t.Errorf("%s: %v, want %v", name, err, test.want)
		}
		if err == nil {
			c.Close()
		}
	}
	joinFleet(t, text) // the real one is still good
	// Whoever says to be a peer is not.
	liar := joinFleet(t, changed(t, text, func(t *token) { t.Peer = true }))
	if _, err := liar.Log(shortly(t), "jobs", LogOptions{}); err == nil {
		t.Error("a worker makes itself a peer")
	}
	// Whoever says to have another's name has not got it.
	serve(t, connect(t, s, "local"), "jobs.who", ServeOptions{}, func(_ context.Context, r Request) ([]byte, error) { return []byte(r.From), nil })
	liar = joinFleet(t, changed(t, text, func(t *token) { t.Name = "n2" }))
	if got, err := liar.Call(shortly(t), "jobs.who", nil); err == nil {
		t.Errorf("n1 calls as %q", got)
	}
	if _, err := s.Token(TokenOptions{Name: "x", Until: time.Now().Add(-time.Second)}); err == nil {
		t.Error("a token that has ended is made")
	}
}

// shortly is for what is never answered.
func shortly(t *testing.T) context.Context {
	ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
	t.Cleanup(cancel)
	return ctx
}

// TestAttackRevoked: the connection that is open ends, and stays ended.
func TestAttackRevoked(t *testing.T) {
	s := startServer(t, t.TempDir())
	openDoor(t, s)
	text := makeToken(t, s, TokenOptions{Name: "n1"})
	stays := joinFleet(t, makeToken(t, s, TokenOptions{Name: "n2"}))
	c := joinFleet(t, text)
	if err := s.Revoke("n1"); err != nil {
		t.Fatal(err)
	}
	<-c.Done()
	if _, err := Join(limited(t), text, JoinOptions{}); !errors.Is(err, ErrRefused) {
		t.Errorf("%v", err)
	}
	if err := s.Revoke("n1"); !errors.Is(err, ErrNotFound) {
		t.Errorf("%v", err)
	}
	if err := stays.nc.FlushTimeout(patience); err != nil {
		t.Error("another node's connection ended, too:", err)
	}
	if text := makeToken(t, s, TokenOptions{Name: "n1"}); text == "" {
		t.Error("the name cannot be used again")
	}
}

// TestAttackExpired: a connection ends with its token.
func TestAttackExpired(t *testing.T) {
	s := startServer(t, t.TempDir())
	openDoor(t, s)
	until := time.Now().Add(300 * time.Millisecond)
	c, err := Join(limited(t), makeToken(t, s, TokenOptions{Name: "n1", Until: until}), JoinOptions{})
	if err != nil && time.Now().After(until) {
		t.Skip("this machine took longer than the token lasts")
	}
	if err != nil {
		t.Fatal(err)
	}
	<-c.Done()
	if time.Now().Before(until) {
		t.Error("it ended before its time")
	}
	c.Close()
}

// TestAttackWorker: a worker that does not keep to what its own client allows.
func TestAttackWorker(t *testing.T) {
	s := startServer(t, t.TempDir())
	openDoor(t, s)
	local := connect(t, s, "local")
	l := openLog(t, local, "jobs")
	mustAppend(t, l, 0, "one")
	mustPut(t, l, "k", "page")
	served := make(chan string, 16)
	serve(t, local, "jobs.claim", ServeOptions{}, func(_ context.Context, r Request) ([]byte, error) {
		served <- r.From
		return []byte("the answer"), nil
	})
	fleet := make(chan string, 16)
	serve(t, local, "fleet.purges", ServeOptions{}, func(_ context.Context, r Request) ([]byte, error) {
		fleet <- r.From
		return []byte("the fleet's answer"), nil
	})
	serve(t, local, "fleetadmin", ServeOptions{}, func(context.Context, Request) ([]byte, error) {
		t.Error("a worker calls what only begins like a subject of its own")
		return nil, nil
	})
	serve(t, local, "admin", ServeOptions{}, func(_ context.Context, r Request) ([]byte, error) {
		served <- "admin by " + r.From
		return nil, nil
	})
	joinFleet(t, makeToken(t, s, TokenOptions{Name: "victim"}))
	worker := joinFleet(t, makeToken(t, s, TokenOptions{Name: "n1"}))
	for what, err := range map[string]error{
		"serve":     second(worker.Serve("jobs.claim", nil)),
		"publish":   worker.Publish("jobs.x", nil),
		"subscribe": second(worker.Subscribe("lease.x", nil)),
		"all":       second(worker.Subscribe("jobs.>", nil)),
		"another's": second(worker.Subscribe("jobs.heed.victim", nil)),
		"call":      second(worker.Call(limited(t), "admin", nil)),
		"fleet":     worker.Publish("fleet.x", nil),
		"no dot":    second(worker.Call(limited(t), "fleetadmin", nil)),
	} {
		if !errors.Is(err, ErrDenied) {
			t.Errorf("%s: %v", what, err)
		}
	}

	nc := worker.nc
	heard := make(chan *nats.Msg, 64)
	for _, subject := range []string{
		">", "freshet.>", prefixCall + ">", prefixCall + "*.jobs.claim", prefixCall + "*.fleet.purges", prefixCall + "n1.fleet.>", prefixLog + "jobs", prefixPage + "jobs.*",
		prefixInbox + ">", prefixInbox + "victim.>", prefixInbox + "*.x", prefixHint + ">", prefixHint + "jobs.>", prefixHint + "jobs.heed.victim", prefixHint + "jobs.heed.*", prefixHint + "*.heed.n1",
		"$SYS.>", "$JS.>", "_INBOX.>",
	} {
		if _, err := nc.ChanSubscribe(subject, heard); err != nil {
			t.Errorf("%s: %v", subject, err)
		}
	}
	worker.worker = false // its own client lets everything pass now
	if stop, err := worker.Serve("jobs.claim", func(context.Context, Request) ([]byte, error) {
		t.Error("a worker serves")
		return nil, nil
	}); err == nil {
		t.Cleanup(stop)
	}
	forbidden := []string{
		prefixLog + "jobs", prefixPage + "jobs.k", prefixLease + "x", prefixHint + "jobs.x",
		prefixCall + "victim.jobs.claim", prefixCall + "local.admin", prefixCall + "n1.admin", prefixCall + "n1.x.jobs.claim",
		prefixCall + "victim.fleet.purges", prefixCall + "n1.fleetadmin", prefixCall + "n1.x.fleet.purges", prefixCall + "n1.fleet", prefixHint + "fleet.purges",
		prefixInbox + "victim.x", prefixInbox + "local.x",
		"$JS.API.STREAM.MSG.GET.log_jobs", "$JS.API.STREAM.DELETE.log_jobs", "$JS.API.STREAM.PURGE.log_jobs", "$JS.API.INFO",
		"$SYS.REQ.SERVER.PING", "anything",
	}
	for _, subject := range forbidden {
		m := &nats.Msg{Subject: subject, Reply: prefixInbox + "n1.x", Data: []byte("evil"), Header: nats.Header{headerPatience: {"1000"}}}
		if err := nc.PublishMsg(m); err != nil {
			t.Errorf("%s: %v", subject, err)
		}
	}
	// What it may ask, with an answer to where it may not write.
	for _, reply := range []string{prefixLog + "jobs", prefixPage + "jobs.k", prefixInbox + "victim.x", prefixInbox + "n1x.y", "$JS.API.STREAM.DELETE.log_jobs"} {
		if err := nc.PublishMsg(&nats.Msg{Subject: prefixCall + "n1.jobs.claim", Reply: reply}); err != nil {
			t.Fatal(err)
		}
		if got := <-served; got != "n1" {
			t.Errorf("served %q", got)
		}
	}
	if err := nc.FlushTimeout(patience); err != nil {
		t.Fatal(err)
	}
	// All that it sent was looked at before this answer.
	if got, err := worker.Call(limited(t), "jobs.claim", nil); err != nil || string(got) != "the answer" {
		t.Errorf("%q, %v", got, err)
	}
	if got := <-served; got != "n1" {
		t.Errorf("served %q", got)
	}
	if got, err := worker.Call(limited(t), "fleet.purges", nil); err != nil || string(got) != "the fleet's answer" || <-fleet != "n1" {
		t.Errorf("%q, %v", got, err)
	}
	for _, others := range []chan string{served, fleet} {
		if len(others) != 0 {
			t.Errorf("served %q", <-others)
		}
	}
	if err := local.nc.FlushTimeout(patience); err != nil { // its answers were sent
		t.Fatal(err)
	}
	if got, want := entries(t, l, 0), []string{"1:one"}; !slices.Equal(got, want) {
		t.Errorf("the log is %q", got)
	}
	if got := pagesOf(t, l); got["k"] != "page" || len(got) != 1 {
		t.Errorf("the pages are %q", got)
	}
	mustAppend(t, l, 1, "two")
	for _, subject := range []string{"secret", "jobs.heed.victim"} {
		if err := local.Publish(subject, []byte("x")); err != nil {
			t.Fatal(err)
		}
	}
	if err := nc.FlushTimeout(patience); err != nil {
		t.Fatal(err)
	}
	for len(heard) > 0 {
		t.Errorf("a worker hears %s", (<-heard).Subject)
	}
}

func second[T any](_ T, err error) error { return err }

// TestAttackDoor: what is no node gets no byte of NATS.
func TestAttackDoor(t *testing.T) {
	s := startServer(t, t.TempDir())
	address := openDoor(t, s)
	talk := func(name string, send func(net.Conn)) {
		c, err := net.Dial("tcp", address)
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		_ = c.SetDeadline(time.Now().Add(patience))
		send(c)
		if got, _ := io.ReadAll(c); strings.Contains(string(got), "INFO") {
			t.Errorf("%s hears %q", name, got)
		}
	}
	talk("plain NATS", func(c net.Conn) { _, _ = c.Write([]byte("CONNECT {}\r\nPING\r\n")) })
	talk("HTTP", func(c net.Conn) { _, _ = c.Write([]byte("GET / HTTP/1.1\r\nHost: x\r\n\r\n")) })
	talk("who goes", func(c net.Conn) { _ = c.(*net.TCPConn).CloseWrite() })
	for name, config := range map[string]*tls.Config{
		"no certificate": {InsecureSkipVerify: true},
		"an old version": {InsecureSkipVerify: true, MaxVersion: tls.VersionTLS12},
	} {
		talk(name, func(c net.Conn) {
			tc := tls.Client(c, config)
			if err := tc.Handshake(); err != nil {
				return
			}
			if got, err := io.ReadAll(tc); err == nil || len(got) > 0 {
				t.Errorf("%s hears %q", name, got)
			}
		})
	}
}

func TestNodesFile(t *testing.T) {
	for name, text := range map[string]string{"no JSON": "x", "no list": "{}", "null": "[null]", "no name": `[{"key":"AAAA"}]`} {
		dir := t.TempDir()
		if err := wholefile.Write(filepath.Join(dir, "nodes.json"), []byte(text)); err != nil {
			t.Fatal(err)
		}
		if s, err := Start(Options{Dir: dir}); err == nil {
			t.Errorf("%s: it starts", name)
			_ = s.Close()
		}
	}
	dir := t.TempDir()
	if err := wholefile.Write(filepath.Join(dir, "server.key"), []byte("x")); err != nil {
		t.Fatal(err)
	}
	s := startServer(t, dir)
	if _, err := s.Open(Listen{Addr: "127.0.0.1:0"}); err == nil {
		t.Error("a key that is none is replaced, or used")
	}
}

func TestReachable(t *testing.T) {
	for address, want := range map[string]string{"127.0.0.1:7": "127.0.0.1:7", "[::1]:7": "[::1]:7"} {
		a, err := net.ResolveTCPAddr("tcp", address)
		if err != nil {
			t.Fatal(err)
		}
		if got := reachable(a); len(got) != 1 || got[0] != want {
			t.Errorf("%s: %q", address, got)
		}
	}
	all := reachable(&net.TCPAddr{IP: net.IPv4zero, Port: 7})
	if len(all) == 0 {
		t.Error("nowhere")
	}
	for _, a := range all {
		if host, port, err := net.SplitHostPort(a); err != nil || port != "7" || net.ParseIP(host).IsUnspecified() {
			t.Errorf("%s: %v", a, err)
		}
	}
}
