package main

import (
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"freshet/bench/internal/origin"
	"freshet/bench/internal/process"
)

// relay stands before an origin like a cache, and keeps answers or not.
func relay(t *testing.T, to string, keep bool) string {
	t.Helper()
	var kept sync.Map
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if body, ok := kept.Load(r.URL.Path); ok {
			w.Write(body.([]byte))
			return
		}
		resp, err := http.Get("http://" + to + r.URL.Path)
		if err != nil {
			http.Error(w, err.Error(), http.StatusBadGateway)
			return
		}
		defer resp.Body.Close()
		body, _ := io.ReadAll(resp.Body)
		if keep {
			kept.Store(r.URL.Path, body)
		}
		w.WriteHeader(resp.StatusCode)
		w.Write(body)
	}))
	t.Cleanup(s.Close)
	return s.URL
}

// TestVerifyStored sees that a cache is only measured when it keeps what it is
// to keep.
func TestVerifyStored(t *testing.T) {
	b := &bench{root: t.TempDir(), cert: filepath.Join(t.TempDir(), "cert.pem")}
	body := []byte("hello")
	if err := os.WriteFile(filepath.Join(b.root, "a.txt"), body, 0o644); err != nil {
		t.Fatal(err)
	}
	if err := writeCertificate(b.cert, filepath.Join(t.TempDir(), "key.pem")); err != nil {
		t.Fatal(err)
	}
	o, err := origin.Start("127.0.0.1:0", map[string][]byte{"/a.txt": body})
	if err != nil {
		t.Fatal(err)
	}
	defer o.Close()
	b.origin = o.Addr()
	r := &running{server: &server{name: "test"}, url: relay(t, b.origin, true)}
	for _, sc := range []scenario{
		{name: "hit", path: "/a.txt", needs: needHit, status: http.StatusOK},
		{name: "miss", path: "/miss/0", needs: needMiss, status: http.StatusOK},
	} {
		if _, err := b.verify(t.Context(), r, &sc); err != nil {
			t.Errorf("%s: %v", sc.name, err)
		}
	}
	b.patience = 1 // a nanosecond: it has asked twice by then
	r.url = relay(t, b.origin, false)
	_, err = b.verify(t.Context(), r, &scenario{path: "/a.txt", needs: needHit, status: http.StatusOK})
	if err == nil || !strings.Contains(err.Error(), "not stored") {
		t.Errorf("a cache that stores nothing: %v", err)
	}
}

func TestCheckOrigin(t *testing.T) {
	for _, c := range []struct {
		needs             need
		requests, reached int64
		ok                bool
	}{
		{0, 10, 0, true},
		{needHit, 10, 0, true}, {needHit, 10, 1, false},
		{needDisk, 10, 0, true}, {needDisk, 10, 10, false},
		{needMiss, 10, 10, true}, {needMiss, 10, 12, true}, {needMiss, 10, 9, false},
	} {
		if err := (&bench{}).checkOrigin(&scenario{needs: c.needs}, c.requests, c.reached); (err == nil) != c.ok {
			t.Errorf("%+v: %v", c, err)
		}
	}
	many := &scenario{needs: needHit, many: true}
	if err := (&bench{}).checkOrigin(many, 10, 1); err == nil {
		t.Error("one of many is not stored, and nobody minds")
	}
	if err := (&bench{quick: true}).checkOrigin(many, 10, 1); err != nil {
		t.Errorf("a quick run: %v", err)
	}
}

// TestStartOrigin starts the origin as a process, as for a scenario, and sees
// it count.
func TestStartOrigin(t *testing.T) {
	dir := t.TempDir()
	b := &bench{dir: dir, root: filepath.Join(dir, "site"), programs: filepath.Join(dir, "programs"), cert: filepath.Join(dir, "cert.pem"), loadCPU: -1}
	repo, err := filepath.Abs("..")
	if err != nil {
		t.Fatal(err)
	}
	b.repo, b.servers = repo, []*server{serverNamed("varnish")} // which asks for the origin and for nothing else of ours
	if err := os.MkdirAll(filepath.Join(b.root, "folder"), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(b.root, "a.txt"), []byte("hello"), 0o644); err != nil {
		t.Fatal(err)
	}
	if err := writeCertificate(b.cert, filepath.Join(dir, "key.pem")); err != nil {
		t.Fatal(err)
	}
	if err := b.build(t.Context()); err != nil {
		t.Fatal(err)
	}
	o, err := b.startOrigin(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer o.stop()
	b.origin = o.addr
	before, err := b.requests(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	resp, err := http.Get("http://" + o.addr + "/a.txt")
	if err != nil {
		t.Fatal(err)
	}
	body, _ := io.ReadAll(resp.Body)
	resp.Body.Close()
	after, err := b.requests(t.Context())
	if string(body) != "hello" || err != nil || after != before+1 {
		t.Errorf("%q, %d requests after %d, %v", body, after, before, err)
	}
}

// TestMissScript sees that the script takes the path of its scenario, which
// must be one that the origin answers with something to store.
func TestMissScript(t *testing.T) {
	if !strings.Contains(missScript, "wrk.path") || !strings.Contains(missScript, "os.time()") {
		t.Errorf("miss.lua asks for the same again:\n%s", missScript)
	}
	for _, sc := range scenarios {
		if sc.needs&needMiss != 0 && !strings.HasPrefix(sc.path, "/miss/") {
			t.Errorf("%s: %s is nothing new", sc.name, sc.path)
		}
	}
}

// TestRestingCPU reads the processor time of a process that works for a while
// and then waits: all of the work is in it. One that does not come to work for
// a third of a second looks like one that waits, so that it may try again.
func TestRestingCPU(t *testing.T) {
	for range 9 {
		if out := resting(t); out == "working\ndone" {
			return
		} else {
			t.Logf("not at rest: %q", out)
		}
	}
	t.Error("never at rest")
}

// resting is what a process has said when it is said to be at rest.
func resting(t *testing.T) string {
	p, err := process.Start(process.Options{CPU: -1, Dir: t.TempDir(), Args: []string{"sh", "-c", "echo working; i=0; while [ $i -lt 300000 ]; do i=$((i+1)); done; echo done; exec sleep 60"}})
	if err != nil {
		t.Fatal(err)
	}
	defer p.Stop(5 * time.Second)
	for p.Output() == "" {
		time.Sleep(time.Millisecond)
	}
	if _, err := restingCPU(p.PID()); err != nil {
		t.Fatal(err)
	}
	return p.Output()
}
