//go:build !nonats

package bus

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"
)

// memory is Records that fail when told so.
type memory struct {
	rows map[string]string
	fail error
}

func (m *memory) Load(f func(string, []byte) error) error {
	if m.fail != nil {
		return m.fail
	}
	for name, content := range m.rows {
		if err := f(name, []byte(content)); err != nil {
			return err
		}
	}
	return nil
}

func (m *memory) Store(name string, content []byte) error {
	switch {
	case m.fail != nil:
		return m.fail
	case len(content) == 0:
		delete(m.rows, name)
	default:
		m.rows[name] = string(content)
	}
	return nil
}

// startWith is startServer with options.
func startWith(t *testing.T, o Options) *Server {
	t.Helper()
	s, err := Start(o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return s
}

// TestPlaces: what is known of nodes and the server's key outlive the server,
// in a folder, as records of whatever kind, and as those of a log elsewhere.
func TestPlaces(t *testing.T) {
	rows := &memory{rows: map[string]string{"hub.x": "not ours"}}
	dir := t.TempDir()
	ns := elsewhere(t, server.Options{})
	for name, options := range map[string]func() Options{
		"folder":  func() Options { return Options{Dir: dir, MaxStore: 64 << 20} },
		"records": func() Options { return Options{NoStore: true, Records: rows} },
		"log":     func() Options { return Options{Dir: t.TempDir(), NoStore: true, Records: takeOver(t, ns).Records()} },
	} {
		t.Run(name, func(t *testing.T) { testPlace(t, options) })
	}
	if want := []string{"hub.x", "node.n1", "node.n3", "server.key"}; !slices.Equal(slices.Sorted(maps.Keys(rows.rows)), want) {
		t.Errorf("the records are %q", rows.rows)
	}
}

// takeOver opens the log of a fleet's records, as the server that writes them
// from now on does.
func takeOver(t *testing.T, ns *server.Server) *Log {
	t.Helper()
	c, err := Connect(limited(t), ConnectOptions{URL: ns.ClientURL(), Name: "hub"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	l := openLog(t, c, "fleet")
	last, err := l.Last(limited(t))
	if err != nil {
		t.Fatal(err)
	}
	mustAppend(t, l, last, "mine")
	return l
}

func testPlace(t *testing.T, options func() Options) {
	s := startWith(t, options())
	openDoor(t, s)
	first := makeToken(t, s, TokenOptions{Name: "n1"})
	revoked := makeToken(t, s, TokenOptions{Name: "n2"})
	ending := makeToken(t, s, TokenOptions{Name: "n4", Until: time.Now().Add(time.Hour)})
	if err := s.Revoke("n2"); err != nil {
		t.Fatal(err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}

	s = startWith(t, options())
	address := openDoor(t, s)
	at := func(text string) string {
		return changed(t, text, func(t *token) { t.Addresses = []string{address} })
	}
	if got := joinFleet(t, at(first)).Name(); got != "n1" {
		t.Errorf("%q", got)
	}
	if c, err := Join(limited(t), at(revoked), JoinOptions{}); !errors.Is(err, ErrRefused) {
		t.Errorf("a token that was revoked: %v", err)
		if err == nil {
			c.Close()
		}
	}
	joinFleet(t, at(ending)).Close()
	s.nodes.mu.Lock()
	s.nodes.now = func() time.Time { return time.Now().Add(2 * time.Hour) }
	s.nodes.mu.Unlock()
	makeToken(t, s, TokenOptions{Name: "n3", Peer: true}) // n4 makes room
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}

	s = startWith(t, options())
	if list := s.Nodes(); len(list) != 2 || list[0].Name != "n1" || list[0].Peer || list[1].Name != "n3" || !list[1].Peer || list[0].Made.IsZero() {
		t.Errorf("%+v", list)
	}
}

// TestRecordsFail: what could not be stored is not so.
func TestRecordsFail(t *testing.T) {
	broken := errors.New("no")
	rows := &memory{rows: map[string]string{}}
	s := startWith(t, Options{NoStore: true, Records: rows})
	rows.fail = broken
	if _, err := s.Open(Listen{Addr: "127.0.0.1:0"}); !errors.Is(err, broken) {
		t.Errorf("a door with a key that is not kept: %v", err)
	}
	rows.fail = nil
	openDoor(t, s)
	text := makeToken(t, s, TokenOptions{Name: "n1"})
	rows.fail = broken
	if _, err := s.Token(TokenOptions{Name: "n2"}); !errors.Is(err, broken) {
		t.Errorf("%v", err)
	}
	if err := s.Revoke("n1"); !errors.Is(err, broken) {
		t.Errorf("%v", err)
	}
	if list := s.Nodes(); len(list) != 1 || list[0].Name != "n1" {
		t.Errorf("%+v", list)
	}
	joinFleet(t, text)
	if s, err := Start(Options{NoStore: true, Records: rows}); !errors.Is(err, broken) {
		t.Errorf("started without knowing who may join: %v", err)
		if err == nil {
			_ = s.Close()
		}
	}

	for name, content := range map[string]string{"node.n1": "x", "node.n2": "null", "node.n3": `{"name":"n3"}`, "node.n4": strings.Replace(rows.rows["node.n1"], "n1", "n5", 1)} {
		if s, err := Start(Options{NoStore: true, Records: &memory{rows: map[string]string{name: content}}}); err == nil {
			t.Errorf("starts with %s = %s", name, content)
			_ = s.Close()
		}
	}
	bad := startWith(t, Options{NoStore: true, Records: &memory{rows: map[string]string{"server.key": "x"}}})
	if _, err := bad.Open(Listen{Addr: "127.0.0.1:0"}); err == nil {
		t.Error("a key that is none is replaced, or used")
	}
}

// TestRecordsFenced: who has been followed stores nothing more, not even under
// a name that the other has never written, and what it did store is loaded.
func TestRecordsFenced(t *testing.T) {
	ns := elsewhere(t, server.Options{})
	first := takeOver(t, ns).Records()
	for i := range 3 {
		if err := first.Store(fmt.Sprint("r", i), []byte("one")); err != nil {
			t.Fatal(err)
		}
	}
	second := takeOver(t, ns).Records()
	loaded := map[string]string{}
	if err := second.Load(func(name string, content []byte) error { loaded[name] = string(content); return nil }); err != nil || len(loaded) != 3 || loaded["r2"] != "one" {
		t.Errorf("%q, %v", loaded, err)
	}
	for _, name := range []string{"new", "r1"} {
		if err := first.Store(name, []byte("late")); !errors.Is(err, ErrFenced) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if err := first.Store("r0", nil); !errors.Is(err, ErrFenced) {
		t.Errorf("%v", err)
	}
	for _, name := range []string{"new", "r0", "r1"} {
		if err := second.Store(name, []byte("two")); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// TestNoStore: nodes join, requests and hints are carried, and nothing is kept.
func TestNoStore(t *testing.T) {
	if _, err := Start(Options{NoStore: true}); err == nil {
		t.Error("started with no place for its key")
	}
	s := startWith(t, Options{NoStore: true, Dir: t.TempDir()})
	openDoor(t, s)
	local := connect(t, s, "local")
	serve(t, local, "jobs.who", ServeOptions{}, func(_ context.Context, r Request) ([]byte, error) { return []byte(r.From), nil })
	worker := joinFleet(t, makeToken(t, s, TokenOptions{Name: "n1"}))
	if got, err := worker.Call(limited(t), "jobs.who", nil); err != nil || string(got) != "n1" {
		t.Errorf("%q, %v", got, err)
	}
	for what, err := range map[string]error{
		"log":   second(local.Log(limited(t), "jobs", LogOptions{})),
		"lead":  second(local.Lead(limited(t), "hub", time.Second)),
		"state": second(local.State(limited(t))),
	} {
		if !errors.Is(err, ErrNoStore) {
			t.Errorf("%s: %v", what, err)
		}
	}
	select {
	case <-s.Broken():
		t.Error("it is broken: ", s.Err())
	default:
	}
}

// TestAlso: tokens name what else there is, after the server's own addresses.
func TestAlso(t *testing.T) {
	s := startServer(t, t.TempDir())
	own := openDoor(t, s)
	addresses := func(name string) []string {
		t.Helper()
		parsed, err := parseToken(makeToken(t, s, TokenOptions{Name: name}))
		if err != nil {
			t.Fatal(err)
		}
		return parsed.Addresses
	}
	s.Also([]string{"b.example:7", "nonsense", own, "[::1]:8", "b.example:7", "host:", ":9", "host:port", "host:0"})
	if got, want := addresses("n1"), []string{own, "b.example:7", "[::1]:8"}; !slices.Equal(got, want) {
		t.Errorf("%q", got)
	}
	var many []string
	for i := range 1000 {
		many = append(many, fmt.Sprintf("%s.example:%d", strings.Repeat("x", 200), i+1))
	}
	s.Also(many)
	if got := addresses("n2"); len(got) < 10 || got[0] != own {
		t.Errorf("%d addresses", len(got))
	}
	s.Also(nil)
	if got := addresses("n3"); len(got) != 1 {
		t.Errorf("%q", got)
	}
}
