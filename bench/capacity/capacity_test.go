package main

import (
	"bytes"
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"freshet/bench/internal/origin"
	"freshet/internal/diskstore"
)

// store is a cache for tests: it keeps what may be kept, and those who ask for
// what is under way wait for it.
type store struct {
	to       string
	forgets  bool // keeps nothing
	spoils   bool // changes bodies
	mu       sync.Mutex
	kept     map[string][]byte
	underWay map[string]chan struct{}
}

func newStore(to string) *store {
	return &store{to: to, kept: map[string][]byte{}, underWay: map[string]chan struct{}{}}
}

func (s *store) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	path, key := r.URL.Path, r.Host+r.URL.Path
	if strings.HasPrefix(path, "/stream/") || strings.HasPrefix(path, "/private/") || s.forgets {
		s.relay(w, path)
		return
	}
	s.mu.Lock()
	body, ok := s.kept[key]
	wait, flying := s.underWay[key]
	if !ok && !flying {
		s.underWay[key] = make(chan struct{})
	}
	s.mu.Unlock()
	if !ok && !flying {
		body = s.fetch(path)
		s.mu.Lock()
		s.kept[key] = body
		close(s.underWay[key])
		s.mu.Unlock()
	}
	if flying {
		<-wait
		s.mu.Lock()
		body = s.kept[key]
		s.mu.Unlock()
	}
	w.Write(body)
}

func (s *store) fetch(path string) []byte {
	resp, err := http.Get("http://" + s.to + path)
	if err != nil {
		return []byte(err.Error())
	}
	defer resp.Body.Close()
	body, _ := io.ReadAll(resp.Body)
	if s.spoils {
		body = append(body[:1], body...)
	}
	return body
}

func (s *store) relay(w http.ResponseWriter, path string) {
	resp, err := http.Get("http://" + s.to + path)
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadGateway)
		return
	}
	defer resp.Body.Close()
	w.Header().Set("Content-Length", resp.Header.Get("Content-Length"))
	io.Copy(w, resp.Body)
}

// small is a run against s in place of the program, whose memory is said to be
// what memory returns.
func small(t *testing.T, change func(*store), memory func() int64) (*capacity, *bytes.Buffer) {
	t.Helper()
	o, err := origin.Start("127.0.0.1:0", nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(o.Close)
	s := newStore(o.Addr())
	change(s)
	var w bytes.Buffer
	read := func() (int64, error) { return memory(), nil }
	c := &capacity{w: &w, origin: o, objects: 200, clients: 20, download: 1 << 20, dir: t.TempDir(), settle: time.Millisecond,
		measureIndex: func(context.Context, string) (int64, float64, error) { return 200, 50, nil },
		start: func(context.Context, string) (*cache, error) {
			server := httptest.NewServer(s) // it has another address each time
			t.Cleanup(server.Close)
			return &cache{addr: server.Listener.Addr().String(), memory: read, peak: read, resetPeak: func() error { return nil }, stop: func() {}}, nil
		}}
	return c, &w
}

func flat() int64 { return 10 << 20 }

func TestAllParts(t *testing.T) {
	c, w := small(t, func(*store) {}, flat)
	if err := c.run(t.Context(), []string{"objects", "crowd", "download"}); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"200 of 2000 bytes", "100.00 % of", "knows 200, and holds 50.0 bytes", "20 clients for one thing: 1 requests", "download: 1 MB"} {
		if !strings.Contains(w.String(), want) {
			t.Errorf("no %q in\n%s", want, w)
		}
	}
}

func TestFaultsAreSeen(t *testing.T) {
	rss := int64(0)
	grows := func() int64 { rss += 40 << 20; return rss }
	for _, test := range []struct {
		part   string
		change func(*store)
		memory func() int64
		want   string
	}{
		{"objects", func(s *store) { s.forgets = true }, flat, "none of"},
		{"objects", func(s *store) { s.spoils = true }, flat, "another body"},
		{"crowd", func(s *store) { s.forgets = true }, flat, "20 requests reached the origin, want 1"},
		{"download", func(*store) {}, grows, "40.0 MiB more memory"},
		{"nothing", func(*store) {}, flat, "no part"},
	} {
		c, _ := small(t, test.change, test.memory)
		if err := c.run(t.Context(), []string{test.part}); err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%s: got %v, want %q", test.part, err, test.want)
		}
	}
}

// TestIndexOf stores objects, and sees what the index of the folder takes.
func TestIndexOf(t *testing.T) {
	data := t.TempDir()
	if _, _, err := indexOf(t.Context(), data); err == nil {
		t.Error("an index of nothing")
	}
	s, err := diskstore.Open(diskstore.Options{Dir: filepath.Join(data, "objects"), ScrubRate: -1})
	if err != nil {
		t.Fatal(err)
	}
	const objects = 500
	for i := range objects {
		if err := s.Put(diskstore.Key{byte(i), byte(i >> 8), 1}, &diskstore.Record{Meta: []byte("meta")}); err != nil {
			t.Fatal(err)
		}
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if n, each, err := indexOf(t.Context(), data); err != nil || n != objects || each < 40 {
		t.Errorf("%d objects of %.1f bytes, %v", n, each, err)
	}
}

func TestJudgeObjects(t *testing.T) {
	for _, test := range []struct {
		objects      int
		index, again int64
		first        time.Duration
		kept         float64
		ok           bool
	}{
		{judgedFrom, 599, 100, time.Millisecond, 1, true},
		{judgedFrom, 600, 100, time.Millisecond, 1, false},
		{judgedFrom, 100, 600, time.Millisecond, 1, false},
		{judgedFrom - 1, 5000, 5000, time.Millisecond, 1, true},
		{judgedFrom, 100, 100, time.Second, 1, false},
		{judgedFrom, 100, 100, time.Millisecond, 0.98, false},
	} {
		c := &capacity{objects: test.objects}
		if err := c.judgeObjects(test.index, test.again, test.first, test.kept); (err == nil) != test.ok {
			t.Errorf("%+v: %v", test, err)
		}
	}
}

// TestStreamSeesWhatIsWrong lets a server answer downloads wrongly.
func TestStreamSeesWhatIsWrong(t *testing.T) {
	block := origin.StreamBlock
	for name, h := range map[string]http.HandlerFunc{
		"short": func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Length", "100000")
			w.Write(block)
		},
		"shorter length": func(w http.ResponseWriter, _ *http.Request) { w.Write(block[:1000]) },
		"other bytes": func(w http.ResponseWriter, _ *http.Request) {
			w.Write(append(block[:len(block):len(block)], make([]byte, 100000-len(block))...))
		},
		"status": func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusBadGateway) },
	} {
		s := httptest.NewServer(h)
		if err := stream(t.Context(), s.Listener.Addr().String(), 100000); err == nil {
			t.Errorf("%s: nothing was seen", name)
		}
		s.Close()
	}
}

func TestArguments(t *testing.T) {
	for _, args := range [][]string{{"-objects", "0"}, {"-clients", "0"}, {"-download", "0"}, {"-no-such"}} {
		if err := run(t.Context(), args, io.Discard); err == nil {
			t.Errorf("%v: accepted", args)
		}
	}
}
