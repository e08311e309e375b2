//go:build !nonats

package bus

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"freshet/internal/atrest"
	"freshet/internal/wiretest"
)

// set is peers of one process.
type set struct {
	t      *testing.T
	tokens []string
	places []PeerPlace
	dirs   []string
	peers  []*Peer // nil: it is not there
	seal   *atrest.Ring
	said   *heard
}

// heard is what peers say that somebody should look at.
type heard struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (h *heard) Write(p []byte) (int, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.text.Write(p)
}

func (h *heard) String() string {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.text.String()
}

// newSet makes peers that are not there yet.
func newSet(t *testing.T) *set {
	t.Helper()
	alone(t)
	s := &set{t: t, said: &heard{}, peers: make([]*Peer, MinPeers)}
	for i := range MinPeers {
		s.places = append(s.places, PeerPlace{fmt.Sprint("p", i), wiretest.Reserve(t)})
		s.dirs = append(s.dirs, t.TempDir())
	}
	var err error
	if s.tokens, err = NewPeers(s.places); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		var ending sync.WaitGroup
		for i := range s.peers {
			ending.Go(func() { s.end(i) })
		}
		ending.Wait()
		if t.Failed() {
			t.Log(s.said)
		}
	})
	return s
}

func (s *set) begin(all ...int) {
	s.t.Helper()
	for _, i := range all {
		p, err := StartPeer(PeerOptions{Token: s.tokens[i], Dir: s.dirs[i], MaxStore: 64 << 20, Seal: s.seal, Log: slog.New(slog.NewTextHandler(s.said, &slog.HandlerOptions{Level: slog.LevelDebug})).With("peer", i)})
		if err != nil {
			s.t.Fatal(err)
		}
		s.peers[i] = p
	}
}

func (s *set) end(i int) {
	if p := s.peers[i]; p != nil {
		s.peers[i] = nil
		if err := p.Close(); err != nil {
			s.t.Error(err)
		}
	}
}

// whole waits until the peers that are there see each other.
func (s *set) whole() {
	s.t.Helper()
	n := 0
	for _, p := range s.peers {
		if p != nil {
			n++
		}
	}
	for ctx := limited(s.t); ; {
		seen := 0
		for _, p := range s.peers {
			if p == nil {
				continue
			}
			if away, _ := p.Away(); len(away) == len(s.peers)-n {
				seen++
			}
		}
		if seen == n {
			return
		}
		if ctx.Err() != nil {
			s.t.Fatal("the peers do not see each other")
		}
		time.Sleep(10 * time.Millisecond)
	}
}

// writer is a log that is written through one peer.
type writer struct {
	s    *set
	l    *Log
	last uint64
}

func (s *set) writer(i int) *writer {
	s.t.Helper()
	c, err := s.peers[i].Connect("writer-" + fmt.Sprint(i))
	if err != nil {
		s.t.Fatal(err)
	}
	s.t.Cleanup(c.Close)
	l := opened(s.t, func(ctx context.Context) (*Log, error) { return c.Log(ctx, "jobs", LogOptions{}) })
	return &writer{s: s, l: l}
}

// write appends as a writer does that is not told what became of it.
func (w *writer) write(n int) {
	w.s.t.Helper()
	for ctx, end := limited(w.s.t), w.last+uint64(n); w.last < end; {
		once, cancel := context.WithTimeout(ctx, time.Second)
		at, err := w.l.Append(once, w.last, killEntry(w.last+1))
		cancel()
		switch {
		case err == nil && at == w.last+1:
			w.last = at
		case errors.Is(err, ErrFenced) || ctx.Err() != nil:
			w.s.t.Fatal(at, err)
		}
	}
}

// all compares what is there with what was written.
func (w *writer) all() {
	w.s.t.Helper()
	wrong := errors.New("not what was written")
	for ctx := limited(w.s.t); ; time.Sleep(50 * time.Millisecond) {
		next := uint64(1)
		err := w.l.Read(ctx, 0, func(n uint64, entry []byte) error {
			if n != next || string(entry) != string(killEntry(n)) {
				return fmt.Errorf("entry %d, want %d: %.40q: %w", n, next, entry, wrong)
			}
			next++
			return nil
		})
		if err == nil && next == w.last+1 {
			return
		}
		if err == nil || errors.Is(err, wrong) || errors.Is(err, ErrDamaged) || ctx.Err() != nil {
			w.s.t.Fatalf("%d entries of %d: %v", next-1, w.last, err)
		}
	}
}

// leaderOf is which peer leads the log's stream.
func (w *writer) leader() int {
	w.s.t.Helper()
	for ctx := limited(w.s.t); ; time.Sleep(50 * time.Millisecond) {
		info, err := w.l.entries.Info(ctx)
		if err == nil && info.Cluster != nil {
			if i := slices.IndexFunc(w.s.places, func(p PeerPlace) bool { return p.Name == info.Cluster.Leader }); i >= 0 {
				if info.Config.Replicas != peerReplicas {
					w.s.t.Fatalf("%+v", info)
				}
				return i
			}
		}
		if ctx.Err() != nil {
			w.s.t.Fatal(err)
		}
	}
}

// current waits until all replicas of the log have all of it.
func (w *writer) current() {
	w.s.t.Helper()
	for ctx := limited(w.s.t); ; time.Sleep(50 * time.Millisecond) {
		info, err := w.l.entries.Info(ctx)
		if err == nil && info.Cluster != nil && info.Cluster.Leader != "" && len(info.Cluster.Replicas) == peerReplicas-1 &&
			info.Cluster.Replicas[0].Current && info.Cluster.Replicas[1].Current {
			return
		}
		if ctx.Err() != nil {
			w.s.t.Fatalf("%+v %v", info, err)
		}
	}
}

// Each of three peers ends, the one that leads the log first; what is written
// meanwhile it has when it is back, and when it is back with nothing.
func TestPeers(t *testing.T) {
	t.Parallel()
	s := newSet(t)
	s.begin(0, 1, 2)
	s.whole()
	w := s.writer(0)
	w.write(20)
	s.end(1)
	s.whole()
	w.write(10)
	s.begin(1)
	s.whole()
	w.current()
	// All that the third one has is lost.
	s.end(2)
	w.write(10)
	if err := os.RemoveAll(s.dirs[2]); err != nil {
		t.Fatal(err)
	}
	s.begin(2)
	s.whole()
	w.current()
	// What was written through the first is there without it.
	leader := w.leader()
	s.end(0)
	v := s.writer(2)
	v.last = w.last
	v.all()
	v.write(10)
	if leader != 0 && v.leader() == 0 {
		t.Error("who has ended leads")
	}
	s.begin(0)
	s.whole()
	v.current()
	v.all()
	// Nobody outside can get in: there is no port for clients.
	if a := s.peers[0].ns.Addr(); a != nil {
		t.Errorf("clients may come to %v", a)
	}
}

// Of three peers two are gone: nothing is acknowledged. When one is back, all is
// there that was.
func TestPeersWithoutMajority(t *testing.T) {
	t.Parallel()
	s := newSet(t)
	s.begin(0, 1, 2)
	s.whole()
	w := s.writer(0)
	w.write(10)
	s.end(1)
	s.end(2)
	s.whole()
	if away, all := s.peers[0].Away(); all != 3 || !slices.Equal(away, []string{"p1", "p2"}) {
		t.Error(away, all)
	}
	once, cancel := context.WithTimeout(limited(t), 2*time.Second)
	defer cancel()
	if n, err := w.l.Append(once, w.last, killEntry(w.last+1)); err == nil {
		t.Errorf("entry %d is acknowledged by one of three", n)
	}
	s.begin(1)
	s.whole()
	if away, _ := s.peers[0].Away(); !slices.Equal(away, []string{"p2"}) {
		t.Error(away)
	}
	w.write(10)
	w.all()
	s.begin(2)
	s.whole()
	w.current()
}

// Who has another key than those of the tokens does not get in, in either
// direction: a peer of another set whose addresses are the same, and who has none.
func TestPeerStranger(t *testing.T) {
	t.Parallel()
	s := newSet(t)
	other, err := NewPeers(s.places)
	if err != nil {
		t.Fatal(err)
	}
	s.begin(0, 1)
	s.whole()
	p, err := StartPeer(PeerOptions{Token: other[2], Dir: s.dirs[2], MaxStore: 64 << 20})
	if err != nil {
		t.Fatal(err)
	}
	defer p.Close()
	for ctx := limited(t); strings.Count(s.said.String(), "handshake error") < 2; time.Sleep(10 * time.Millisecond) {
		if ctx.Err() != nil {
			t.Fatalf("nobody refuses it: %s", s.said)
		}
	}
	if away, _ := p.Away(); len(away) != 2 {
		t.Error(away)
	}
	for _, one := range s.peers[:2] {
		if away, _ := one.Away(); !slices.Equal(away, []string{"p2"}) {
			t.Error(away)
		}
	}
	// Without TLS there is no answer, and no line of the log each time.
	for range 8 {
		conn, err := net.Dial("tcp", s.places[0].Address)
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
		if _, err := conn.Write([]byte("CONNECT {}\r\nPING\r\n")); err != nil {
			t.Fatal(err)
		}
		_ = conn.SetReadDeadline(time.Now().Add(patience))
		if b, err := io.ReadAll(conn); errors.Is(err, os.ErrDeadlineExceeded) || bytes.Contains(b, []byte("INFO")) {
			t.Errorf("%q: %v", b, err)
		}
	}
	if said := s.said.String(); strings.Count(said, "handshake error") != 2 {
		t.Errorf("two peers have said it once each: %s", said)
	}
}

// What others can cause is told once a minute, and how often it was.
func TestRarely(t *testing.T) {
	var r rarely
	start := time.Unix(1, 0)
	for i, want := range []struct {
		after time.Duration
		left  int
		ok    bool
	}{{0, 0, true}, {time.Second, 0, false}, {59 * time.Second, 0, false}, {time.Minute, 2, true}, {61 * time.Second, 0, false}, {2 * time.Minute, 1, true}} {
		if left, ok := r.now(start.Add(want.after)); left != want.left || ok != want.ok {
			t.Errorf("%d: %d, %v", i, left, ok)
		}
	}
}

// A folder is one peer's, of one set.
func TestPeerFolder(t *testing.T) {
	s := newSet(t)
	s.begin(0)
	if _, err := StartPeer(PeerOptions{Token: s.tokens[0], Dir: s.dirs[0]}); !errors.Is(err, ErrLocked) {
		t.Errorf("the folder of one that runs: %v", err)
	}
	s.end(0)
	if _, err := StartPeer(PeerOptions{Token: s.tokens[1], Dir: s.dirs[0]}); !errors.Is(err, ErrPeerFolder) || !strings.Contains(err.Error(), "of the peer p0") {
		t.Errorf("another's folder: %v", err)
	}
	other, err := NewPeers(s.places)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := StartPeer(PeerOptions{Token: other[0], Dir: s.dirs[0]}); !errors.Is(err, ErrPeerFolder) || !strings.Contains(err.Error(), "another set") {
		t.Errorf("another set's folder: %v", err)
	}
	if Holds(s.dirs[0]) {
		t.Error("streams that nobody made")
	}
	taken, err := net.Listen("tcp", s.places[1].Address)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := StartPeer(PeerOptions{Token: s.tokens[1], Dir: s.dirs[1]}); err == nil {
		t.Error("an address that is taken")
	}
	_ = taken.Close()
	elsewhere := wiretest.Reserve(t)
	p, err := StartPeer(PeerOptions{Token: s.tokens[1], Dir: s.dirs[1], Listen: elsewhere})
	if err != nil {
		t.Fatal(err)
	}
	if at := p.ns.ClusterAddr().String(); at != elsewhere {
		t.Errorf("%s listens at %s", elsewhere, at)
	}
	if err := p.Close(); err != nil {
		t.Error(err)
	}
	single := startServer(t, filepath.Join(s.dirs[2], "single"))
	openLog(t, connect(t, single, "a"), "jobs")
	if !Holds(filepath.Join(s.dirs[2], "single")) {
		t.Error("no streams, and there is one")
	}
}

func TestNewPeers(t *testing.T) {
	three := []PeerPlace{{"a", "a:1"}, {"b", "a:2"}, {"c", "b:1"}}
	tokens, err := NewPeers(three)
	if err != nil {
		t.Fatal(err)
	}
	for i, token := range tokens {
		if name, err := PeerName(token); name != three[i].Name || err != nil || !strings.HasPrefix(token, peerPrefix) {
			t.Error(token, name, err)
		}
		for _, bad := range []string{token[1:], token[:len(token)-1], strings.Replace(token, "-1-", "-2-", 1), token + "A", "", tokenPrefix + token[len(peerPrefix):]} {
			if _, err := PeerName(bad); !errors.Is(err, ErrToken) {
				t.Errorf("%s: %v", bad, err)
			}
		}
		if err := CheckToken(token); !errors.Is(err, ErrToken) {
			t.Errorf("a peer's token is a node's: %v", err)
		}
	}
	// One's name with another's key.
	a, _ := parsePeerToken(tokens[0])
	a.Name = "b"
	if _, err := StartPeer(PeerOptions{Token: seal(peerPrefix, a), Dir: t.TempDir()}); !errors.Is(err, ErrToken) {
		t.Error(err)
	}
	for _, bad := range [][]PeerPlace{
		nil, three[:2], slices.Concat(three, []PeerPlace{{"d", "d:1"}, {"e", "e:1"}, {"f", "f:1"}, {"g", "g:1"}, {"h", "h:1"}}),
		{{"a", "a:1"}, {"a", "a:2"}, {"c", "b:1"}}, {{"a", "a:1"}, {"b", "a:1"}, {"c", "b:1"}}, {{"a", "a:1"}, {"b", "a:2"}, {"c", ""}},
		{{"a", "a:1"}, {"b", "a:2"}, {"c", ":3"}}, {{"a", "a:1"}, {"b", "a:2"}, {"c", "b:0"}}, {{"a", "a:1"}, {"b.c", "a:2"}, {"c", "b:1"}}, {{"", "a:1"}, {"b", "a:2"}, {"c", "b:1"}},
	} {
		if tokens, err := NewPeers(bad); err == nil {
			t.Errorf("%v: %v", bad, tokens)
		}
	}
}

// How much there is room for is what one peer may have, not what all have.
func TestPeersRoom(t *testing.T) {
	t.Parallel()
	s := newSet(t)
	s.begin(0, 1, 2)
	s.whole()
	c, err := s.peers[0].Connect("a")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	const size = 8 << 20
	o := opened(t, func(ctx context.Context) (*Objects, error) { return c.Objects(ctx, "files", ObjectsOptions{}) })
	for ctx := limited(t); ; {
		if err := o.Put(ctx, "a", bytes.NewReader(blob(size, 1))); err == nil {
			break
		}
		if ctx.Err() != nil {
			t.Fatal(err)
		}
	}
	for ctx := limited(t); ; time.Sleep(10 * time.Millisecond) { // this one may be the third that has it
		used, most, err := c.Room(ctx)
		state, fault := c.State(ctx)
		if used > 2*size || state.Store > 2*size {
			t.Fatalf("%d, or %d, of %d bytes are in use", used, state.Store, most)
		}
		if err == nil && fault == nil && used >= size && most == 64<<20 && state.Max == most {
			return
		}
		if ctx.Err() != nil {
			t.Fatalf("%d of %d bytes, %v; %+v, %v", used, most, err, state, fault)
		}
	}
}
