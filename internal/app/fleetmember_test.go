package app

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"freshet/internal/control"
)

// An edition is what an origin answers with: the same text at each address, until
// there is another one.
type edition struct {
	*httptest.Server
	n atomic.Int64
}

// editions is an origin whose answers stay fresh and have a tag.
func editions(t *testing.T) *edition {
	t.Helper()
	e := &edition{}
	e.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		text := fmt.Sprintf("edition %d", e.n.Load())
		w.Header().Set("Cache-Control", "max-age=3600")
		w.Header().Set("Surrogate-Key", "front")
		w.Header().Set("Etag", `"`+text+`"`)
		if r.Header.Get("If-None-Match") == `"`+text+`"` {
			w.WriteHeader(http.StatusNotModified)
			return
		}
		io.WriteString(w, text)
	}))
	t.Cleanup(e.Close)
	return e
}

// next makes another edition, and returns its text.
func (e *edition) next() string { return fmt.Sprintf("edition %d", e.n.Add(1)) }

// until waits for what takes its time elsewhere.
func until(t *testing.T, what string, is func() bool) {
	t.Helper()
	for end := time.Now().Add(patience); !is(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("not within %v: %s", patience, what)
		}
	}
}

// A cacheServer is a server of a fleet with a folder of its own.
type cacheServer struct {
	*program
	data  string
	token string // of a member
}

// startCache starts the server of a folder.
func startCache(t *testing.T, origin, data, token string, args ...string) *cacheServer {
	t.Helper()
	s := &cacheServer{data: data, token: token}
	s.program = startWith(t, func(e *Env) { e.Environ = s.environ() },
		append([]string{"proxy", "--listen", "127.0.0.1:0", "--to", origin, "--data", data}, args...)...)
	return s
}

func (s *cacheServer) environ() []string {
	environ := append([]string{"HOME=" + s.data}, noMonitor...)
	if s.token != "" {
		environ = append(environ, "FRESHET_JOIN="+s.token)
	}
	return environ
}

// run runs a command about the server to its end.
func (s *cacheServer) run(args ...string) (status int, stdout, stderr string) {
	s.t.Helper()
	p := startWith(s.t, func(e *Env) { e.Environ = append([]string{"HOME=" + s.data}, noMonitor...) }, append(args, "--data", s.data)...)
	status = p.wait()
	return status, p.stdout.String(), p.stderr.String()
}

// serves asks the server once.
func (s *cacheServer) serves(want string) {
	s.t.Helper()
	if resp, body := get(s.t, s.url()+"page"); body != want {
		s.t.Errorf("%q instead of %q; Cache-Status: %s", body, want, resp.Header.Get("Cache-Status"))
	}
}

// hits asks the server until it uses what it has stored: a member that does not
// know what was purged has to ask the origin first.
func (s *cacheServer) hits() {
	s.t.Helper()
	until(s.t, "a hit", func() bool {
		resp, _ := get(s.t, s.url()+"page")
		return strings.HasPrefix(resp.Header.Get("Cache-Status"), "freshet; hit")
	})
}

// purges has the server purge, and returns what has come of it at each node.
func (s *cacheServer) purges(args ...string) (states map[string]string) {
	s.t.Helper()
	status, stdout, stderr := s.run(append([]string{"purge", "--json"}, args...)...)
	if status != exitOK {
		s.t.Fatalf("%q: %d %s", args, status, stderr)
	}
	var a control.Answer
	if err := json.Unmarshal([]byte(stdout), &a); err != nil || a.Receipt == nil {
		s.t.Fatalf("%v: %s", err, stdout)
	}
	states = map[string]string{}
	for _, n := range a.Receipt.Nodes {
		states[n.Node] = n.State
	}
	return states
}

// done waits until the receipt of a purge at the hub says done of the hub and
// both members, and of nobody else.
func (s *cacheServer) done(receipt string) {
	s.t.Helper()
	var states map[string]string
	until(s.t, "receipt "+receipt+" is done", func() bool {
		states = s.purges("--receipt", receipt)
		done := 0
		for _, state := range states {
			if state == control.NodeDone {
				done++
			}
		}
		return done >= 3
	})
	if len(states) != 3 || states["worker-1"] == "" || states["other"] == "" {
		s.t.Errorf("%s: %v", receipt, states)
	}
}

// A purge by tag at the hub is one of all its servers, of that which is away too.
func TestFleetPurges(t *testing.T) {
	origin := editions(t)
	folder := func() string {
		dir := t.TempDir()
		if err := os.Chmod(dir, 0o700); err != nil {
			t.Fatal(err)
		}
		return dir
	}
	hub := startCache(t, origin.URL, folder(), "", "--fleet", "127.0.0.1:0")
	token := hub.stderr.wait(t, `(?m)^fleet on 127\.0\.0\.1:\d+; on another machine: freshet worker --join (\S+)$`)
	hub.stderr.wait(t, `(?m)^or, as a further cache, with the same token: (FRESHET_JOIN=TOKEN freshet proxy \.\.\.)$`)
	status, another, stderr := hub.run("worker", "invite", "other")
	if status != exitOK {
		t.Fatalf("%d %s", status, stderr)
	}
	one := startCache(t, origin.URL, folder(), token)
	two := startCache(t, origin.URL, folder(), strings.TrimSpace(another))
	all := []*cacheServer{hub, one, two}
	one.stderr.wait(t, `(?m)^fleet: joined as (worker-1)$`)
	two.stderr.wait(t, `(?m)^fleet: joined as (other)$`)
	const known = "the fleet's purges are known up to now" // from here on the hub knows of the member's cache
	one.stderr.wait(t, known)
	two.stderr.wait(t, known)

	old := origin.next()
	for _, s := range all {
		s.serves(old)
		s.hits()
	}
	now := origin.next()
	hub.purges("--tag", "front", "--id", "first")
	for _, s := range all {
		s.serves(now)
	}
	hub.done("first")
	for _, s := range all {
		s.hits()
		s.serves(now)
	}

	// A member is purged by itself when that is what is meant.
	status, stdout, stderr := one.run("purge", "--tag", "front")
	if status != exitFault || stdout != "" {
		t.Errorf("a purge at a member: %d %q", status, stdout)
	}
	contains(t, stderr, "this server is part of a fleet: purge at its hub", "--here")
	now = origin.next()
	if states := one.purges("--tag", "front", "--here"); len(states) != 0 {
		t.Errorf("a purge of one server is one of %v", states)
	}
	one.serves(now)

	// A member that is away does not come back with what was purged meanwhile.
	two.hits()
	two.stop()
	now = origin.next()
	if states := hub.purges("--tag", "front", "--id", "second"); states["other"] != control.NodeAway {
		t.Errorf("with a member that was stopped: %v", states)
	}
	hub.serves(now)
	one.serves(now)
	two = startCache(t, origin.URL, two.data, two.token)
	two.serves(now)
	hub.done("second")
	two.hits()
	two.serves(now)
}

// A server has a fleet or is part of one.
func TestFleetOrJoin(t *testing.T) {
	for _, way := range [][]string{{"--join", "x"}, {"--join-file", "x"}} {
		args := slices.Concat([]string{"proxy", "--to", "http://127.0.0.1:9", "--fleet", "127.0.0.1:0"}, way)
		contains(t, fails(t, exitUsage, args...), "--fleet and --join exclude each other: a server has a fleet, or joins one")
	}
	contains(t, fails(t, exitFault, "proxy", "--to", "http://127.0.0.1:9", "--listen", "127.0.0.1:0", "--monitor", "off", "--data", t.TempDir(), "--join", "x"), "--join: this is no token")
}

// answered is a purger that answers one thing.
type answered control.Answer

func (a *answered) Purge(*control.Request) (*control.Answer, error) { return (*control.Answer)(a), nil }

// A PURGE of which something failed is an error, also when it has a receipt: the
// purge holds here, but would not after a restart.
func TestPurgeOverFleet(t *testing.T) {
	for _, x := range []struct {
		answer answered
		text   string
		fault  string
	}{
		{answered{Receipt: &control.Receipt{Objects: 2}}, answers(2), ""},
		{answered{Receipt: &control.Receipt{ID: "r", Counting: true}}, "counting; receipt r", ""},
		{answered{Receipt: &control.Receipt{Objects: 2}, Faults: []string{"it is not kept", "bad"}}, "", "it is not kept; bad"},
		{answered{Receipt: &control.Receipt{Counting: true}, Faults: []string{"it is not kept"}}, "", "it is not kept"},
		{answered{Faults: []string{"bad"}}, "", "bad"},
		{answered{}, "", "nothing was purged"},
	} {
		text, err := purgeOverFleet(&x.answer, "http://h/", nil, false)
		fault := ""
		if err != nil {
			fault = err.Error()
		}
		if text != x.text || fault != x.fault {
			t.Errorf("%+v: %q, %q", x.answer, text, fault)
		}
	}
}
