//go:build linux

package faults

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// pages are what an origin has: of each a version after the other, and a tag that
// others have, too. Some are large, so that their bodies are files.
type pages struct {
	dir    string
	mu     sync.Mutex // guards what follows
	latest map[string]int
	turn   int
	fixed  int // the version of all; 0: the latest

	asked atomic.Int64
}

const (
	pageCount = 8
	tagCount  = 4
	probe     = "/probe"
)

func newPages(t *testing.T, socket string, random *rand.Rand) *pages {
	t.Helper()
	p := &pages{dir: filepath.Dir(socket), latest: map[string]int{}, turn: random.IntN(tagCount)}
	for i := range pageCount {
		p.latest[fmt.Sprint("/page-", i)] = 1
	}
	l, err := net.Listen("unix", socket)
	if err != nil {
		t.Fatal(err)
	}
	server := &http.Server{Handler: p}
	var serving sync.WaitGroup
	serving.Go(func() { server.Serve(l) })
	t.Cleanup(func() {
		server.Close()
		serving.Wait()
	})
	return p
}

// proxy is the command of a cache in front of them, by a name.
func (p *pages) proxy(name string) []string {
	return []string{"proxy", "--to", p.at("origin"), "--listen", p.at(name)}
}

// at is where a server of a name listens.
func (p *pages) at(name string) string { return "unix:" + filepath.Join(p.dir, name) }

// numberOf is the last digit of a page's path.
func numberOf(path string) int { return int(path[len(path)-1]) % 16 }

func tagOf(path string) string { return fmt.Sprint("tag-", numberOf(path)%tagCount) }

// body is that of a version: who has read it knows whether it is whole.
func body(path string, version int) string {
	line := fmt.Sprintf("%s %d\n", path, version)
	return strings.Repeat(line, 1+numberOf(path)%3*4_000)
}

func (p *pages) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	p.asked.Add(1)
	p.mu.Lock()
	v := cmp.Or(p.fixed, p.latest[r.URL.Path])
	p.mu.Unlock()
	tag := fmt.Sprintf(`"v%d"`, v)
	w.Header().Set("Cache-Control", "max-age=36000, must-revalidate")
	w.Header().Set("Surrogate-Key", tagOf(r.URL.Path))
	w.Header().Set("ETag", tag)
	if r.Header.Get("If-None-Match") == tag {
		w.WriteHeader(http.StatusNotModified)
		return
	}
	io.WriteString(w, body(r.URL.Path, v))
}

// next has the pages of a tag have another version.
func (p *pages) next() (tag string, floor map[string]int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.turn++
	tag, floor = fmt.Sprint("tag-", p.turn%(tagCount-1)), map[string]int{} // one is never purged
	for path := range p.latest {
		if tagOf(path) == tag {
			p.latest[path]++
			floor[path] = p.latest[path]
		}
	}
	return tag, floor
}

// ask asks a cache for a page; its version.
func (p *pages) ask(ctx context.Context, cache, path string) (version int, err error) {
	transport := &http.Transport{DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, "unix", filepath.Join(p.dir, cache))
	}}
	defer transport.CloseIdleConnections()
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://site.test"+path, nil)
	if err != nil {
		return 0, err
	}
	a, err := (&http.Client{Transport: transport, Timeout: startWithin}).Do(r)
	if err != nil {
		return 0, err
	}
	defer a.Body.Close()
	text, err := io.ReadAll(a.Body)
	if err != nil {
		return 0, err
	}
	var name string
	if _, err := fmt.Sscan(string(text[:min(len(text), 100)]), &name, &version); err != nil || a.StatusCode != http.StatusOK {
		return 0, fmt.Errorf("%s: %.100q", a.Status, text)
	}
	if string(text) != body(path, version) {
		return 0, fmt.Errorf("of version %d %d bytes have come, and are not what they were", version, len(text))
	}
	return version, nil
}

// fill asks for all pages, so that they are stored.
func (p *pages) fill(t *testing.T, cache string, until time.Time) {
	ctx, cancel := context.WithDeadline(t.Context(), until)
	defer cancel()
	for i := range pageCount {
		if _, err := p.ask(ctx, cache, fmt.Sprint("/page-", i)); err != nil {
			t.Error(err)
		}
	}
}

// compare asks a cache for all pages while the origin has others: what it answers
// by itself is not what was purged.
func (p *pages) compare(t *testing.T, cache string, floor map[string]int, total *tally, wrong func(string, ...any)) {
	t.Helper()
	const other = 1_000_000
	p.mu.Lock()
	p.fixed = other
	p.mu.Unlock()
	// At its start a cache validates what it has until it knows all purges.
	for late := time.Now().Add(startWithin); ; time.Sleep(5 * time.Millisecond) {
		before := p.asked.Load()
		if _, err := p.ask(t.Context(), cache, probe); err != nil || time.Now().After(late) {
			wrong("the cache uses nothing of what it has: %v", err)
			return
		}
		if p.asked.Load() == before {
			break
		}
	}
	for i := range pageCount {
		path := fmt.Sprint("/page-", i)
		v, err := p.ask(t.Context(), cache, path)
		switch {
		case err != nil:
			wrong("%s: %v", path, err)
		case v < floor[path]:
			wrong("%s has version %d, and what was before %d was purged", path, v, floor[path])
		case v == other:
			total.asked++
		default:
			total.hits++
		}
	}
}
