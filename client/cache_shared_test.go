package client

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"freshet/internal/outbound"
	"freshet/internal/wiretest"
)

// text is what the origin has at a path in a version: it says both, and every
// byte of it can be checked.
func text(path string, version, size int) []byte {
	b := fmt.Appendf(nil, "%s %d %d\n", path, version, size)
	seed := sha256.Sum256(b)
	more := make([]byte, size)
	_, _ = rand.NewChaCha8(seed).Read(more)
	return append(b, more...)
}

// checkText reports what is wrong with what was got for a path.
func checkText(path string, got []byte) error {
	line, _, _ := bytes.Cut(got, []byte("\n"))
	var at string
	var version, size int
	if _, err := fmt.Sscanf(string(line), "%s %d %d", &at, &version, &size); err != nil || at != path {
		return fmt.Errorf("%s: it begins with %.100q", path, line)
	}
	if !bytes.Equal(got, text(path, version, size)) {
		return fmt.Errorf("%s: other bytes than those of %q", path, line)
	}
	return nil
}

// changing is an origin whose contents change with each POST. Paths tell how
// long they are, and how fresh.
func changing() http.HandlerFunc {
	var versions [64]atomic.Int64
	return func(w http.ResponseWriter, r *http.Request) {
		var n, size, fresh int
		fmt.Sscanf(r.URL.Path, "/%d/%d/%d", &n, &size, &fresh)
		v := &versions[n%len(versions)]
		if r.Method == http.MethodPost {
			v.Add(1)
			return
		}
		version := int(v.Load())
		w.Header().Set("Cache-Control", "max-age="+strconv.Itoa(fresh))
		w.Header().Set("ETag", fmt.Sprintf(`"%d"`, version))
		if n%5 == 0 {
			w.Header().Set("Vary", "Accept")
		}
		http.ServeContent(w, r, "x.bin", time.Time{}, bytes.NewReader(text(r.URL.Path, version, size)))
	}
}

// randomRequest returns one of some hundred requests.
func randomRequest(base string, r *rand.Rand) *http.Request {
	n := r.IntN(60)
	sizes := [...]int{0, 100, 3000, 20_000, 70_000, 150_000}
	fresh := [...]int{0, 1, 1000}
	path := fmt.Sprintf("/%d/%d/%d", n, sizes[n%len(sizes)], fresh[n%len(fresh)])
	req, _ := http.NewRequest("GET", base+path, nil)
	switch r.IntN(12) {
	case 0:
		req.Method = "POST"
	case 1:
		req.Header.Set("Range", fmt.Sprintf("bytes=0-%d", 1+r.IntN(30_000)))
	case 2:
		req.Header.Set("Accept", "text/plain")
	case 3:
		req.Header.Set("Cache-Control", "no-cache")
	}
	return req
}

const (
	hammerDir    = "CLIENT_HAMMER_DIR"
	hammerOrigin = "CLIENT_HAMMER_ORIGIN"
	hammerBytes  = 2 << 20
)

// hammer makes requests, over one folder that is opened again and again.
func hammer(dir, base string, rounds, each int) error {
	r := rand.New(rand.NewPCG(rand.Uint64(), 1))
	wire := &outbound.Transport{}
	defer wire.CloseIdleConnections()
	for range rounds {
		c, err := OpenCache(dir, CacheOptions{MaxBytes: hammerBytes})
		if err != nil {
			return err
		}
		t := &Transport{Base: wire, Cache: c}
		for range each {
			if err := hammerOne(t, randomRequest(base, r), r); err != nil {
				return err
			}
		}
		if r.IntN(20) == 0 {
			if err := c.Clear(); err != nil {
				return err
			}
		}
		if err := c.Close(); err != nil {
			return err
		}
	}
	return nil
}

func hammerOne(t *Transport, req *http.Request, r *rand.Rand) error {
	resp, err := t.RoundTrip(req)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	if req.Method != "GET" {
		return nil
	}
	if r.IntN(20) == 0 { // and some give up
		_, _ = io.CopyN(io.Discard, resp.Body, 1000)
		return nil
	}
	got, err := io.ReadAll(resp.Body)
	switch {
	case err != nil:
		why, _ := From(resp)
		return fmt.Errorf("%s: %w (%+v)", req.URL.Path, err, why)
	case resp.StatusCode == http.StatusPartialContent:
		line, _, whole := bytes.Cut(got, []byte("\n"))
		var version, size int
		if _, err := fmt.Sscanf(string(line), req.URL.Path+" %d %d", &version, &size); whole && err != nil || !bytes.HasPrefix(text(req.URL.Path, version, size), got) && whole {
			return fmt.Errorf("%s: other bytes than those of %q", req.URL.Path, line)
		}
		return nil
	case resp.StatusCode != http.StatusOK:
		return fmt.Errorf("%s: %s", req.URL.Path, resp.Status)
	}
	return checkText(req.URL.Path, got)
}

// TestHammerProcess is a process of TestProcesses.
func TestHammerProcess(t *testing.T) {
	dir := os.Getenv(hammerDir)
	if dir == "" {
		t.Skip("it is for TestProcesses to run")
	}
	rounds, _ := strconv.Atoi(os.Getenv("CLIENT_HAMMER_ROUNDS"))
	if err := hammer(dir, os.Getenv(hammerOrigin), rounds, 20); err != nil {
		t.Fatal(err)
	}
}

// Several processes use a folder that is too small for what they want: every
// answer is whole and right. Some are killed; what they leave is usable, and
// bounded.
func TestProcesses(t *testing.T) {
	origin := httptest.NewServer(changing())
	defer origin.Close()
	dir := filepath.Join(t.TempDir(), "cache")
	start := func(rounds int) (*exec.Cmd, *strings.Builder) {
		child := exec.Command(os.Args[0], "-test.run=^TestHammerProcess$", "-test.timeout=1m")
		child.Env = append(os.Environ(), hammerDir+"="+dir, hammerOrigin+"="+origin.URL, "CLIENT_HAMMER_ROUNDS="+strconv.Itoa(rounds))
		var out strings.Builder
		child.Stdout, child.Stderr = &out, &out
		if err := child.Start(); err != nil {
			t.Fatal(err)
		}
		return child, &out
	}
	victim, _ := start(1 << 30)
	defer func() {
		_ = victim.Process.Kill()
		_ = victim.Wait()
	}()
	type process struct {
		cmd *exec.Cmd
		out *strings.Builder
	}
	var all []process
	for range 3 {
		cmd, out := start(10)
		all = append(all, process{cmd, out})
	}
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		for _, p := range all {
			if err := p.cmd.Wait(); err != nil {
				t.Errorf("%v: %s", err, p.out)
			}
		}
	}()
	kills := 0
	for running := true; running; kills++ {
		select {
		case <-ended:
			running = false
		case <-time.After(time.Duration(50+rand.IntN(100)) * time.Millisecond):
			// Any moment will do, and they should differ.
			_ = victim.Process.Kill()
			_ = victim.Wait()
			victim, _ = start(1 << 30)
		}
	}
	_ = victim.Process.Kill()
	_ = victim.Wait()

	// Whoever comes next finds what it needs, and makes room.
	if err := hammer(dir, origin.URL, 5, 100); err != nil {
		t.Error(err)
	}
	if n := occupiedBy(t, dir); n > 2*hammerBytes {
		t.Errorf("%d bytes, where %d are allowed", n, hammerBytes)
	}
	t.Logf("%d kills, %d bytes are left", kills, occupiedBy(t, dir))
}

func occupiedBy(t *testing.T, dir string) (n int64) {
	t.Helper()
	err := filepath.WalkDir(dir, func(_ string, d os.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		if info, err := d.Info(); err == nil {
			n += (info.Size() + 4095) &^ 4095
		}
		return nil
	})
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		t.Error(err)
	}
	return n
}

// The same requests, one after the other, come to the same with a cache in
// memory, with one in a folder, and with a folder that is closed and opened
// again before each of them.
func TestSameEverywhere(t *testing.T) {
	var clock atomic.Int64
	now := func() time.Time { return time.Unix(0, clock.Load()) }
	type player struct {
		name   string
		origin *httptest.Server
		t      *Transport
		dir    string
		again  bool
	}
	open := func(dir string) *Cache { return openFolder(t, dir, CacheOptions{Now: now}) }
	var players []*player
	for _, name := range []string{"memory", "folder", "opened again"} {
		p := &player{name: name, again: name == "opened again"}
		if name != "memory" {
			p.dir = t.TempDir()
		}
		handler := changing()
		p.origin = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Date", now().UTC().Format(http.TimeFormat))
			handler(w, r)
		}))
		p.t = &Transport{Base: &outbound.Transport{}, Cache: open(p.dir)}
		players = append(players, p)
		defer func() {
			p.t.CloseIdleConnections()
			p.origin.Close()
			p.t.Cache.Close()
		}()
	}
	clock.Store(time.Now().UnixNano())
	r := rand.New(rand.NewPCG(wiretest.Seed(t), 1))
	for i := range 250 {
		clock.Add(int64(r.IntN(1500)) * 1e6)
		state := r.Uint64()
		var first string
		for _, p := range players {
			if p.again {
				if err := p.t.Cache.Close(); err != nil {
					t.Fatal(err)
				}
				p.t = &Transport{Base: p.t.Base, Cache: open(p.dir)}
			}
			req := randomRequest(p.origin.URL, rand.New(rand.NewPCG(state, 1)))
			resp, err := p.t.RoundTrip(req)
			if err != nil {
				t.Fatalf("request %d, %s: %v", i, p.name, err)
			}
			got, err := io.ReadAll(resp.Body)
			resp.Body.Close()
			why, _ := From(resp)
			what := fmt.Sprintf("%s %s %v: %d %s %x %s %v", req.Method, req.URL.Path, req.Header, resp.StatusCode, why.Verdict, sha256.Sum256(got), resp.Header.Get("Content-Range"), err)
			if first == "" {
				first = what
			} else if what != first {
				t.Fatalf("request %d\n%s: %s\n%s: %s", i, players[0].name, first, p.name, what)
			}
		}
	}
}
