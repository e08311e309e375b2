package app

import (
	"fmt"
	"io"
	"net/http"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"
)

// meeting lets requests pass when so many are there at once.
type meeting struct {
	mu   sync.Mutex
	here int
	most int
	met  sync.Once
	open chan struct{}
}

func newMeeting() *meeting { return &meeting{open: make(chan struct{})} }

func (m *meeting) wait(t *testing.T, number int) {
	m.mu.Lock()
	if m.here++; m.here == number {
		m.met.Do(func() { close(m.open) })
	}
	m.most = max(m.most, m.here)
	m.mu.Unlock()
	select {
	case <-m.open:
	case <-time.After(time.Minute):
		t.Error("the others do not come")
	}
	m.mu.Lock()
	m.here--
	m.mu.Unlock()
}

// With --parallel URLs are fetched at once; what goes to standard output is not
// mixed, and comes in order.
func TestGetParallel(t *testing.T) {
	const n = 5
	m := newMeeting()
	last := make(chan struct{})
	w := newGetWorld(t, func(w http.ResponseWriter, r *http.Request) {
		m.wait(t, n)
		if r.URL.Path == "/0" { // all others are there before
			select {
			case <-last:
			case <-time.After(time.Minute):
				t.Error("the others do not end")
			}
		}
		for range 300 {
			fmt.Fprintf(w, "%s%s\n", r.URL.Path, strings.Repeat(".", 100))
		}
		if r.URL.Path == "/4" {
			close(last)
		}
	})
	line := []string{"-Z", "--no-cache", "-w", "(%{size_download})", "-o", filepath.Join(t.TempDir(), "file")}
	want := ""
	for i := range n {
		line = append(line, fmt.Sprint("URL/", i))
		if i > 0 {
			want += strings.Repeat(fmt.Sprintf("/%d%s\n", i, strings.Repeat(".", 100)), 300)
		}
	}
	got := w.get(line...)
	if strings.Count(got, "(30900)") != n || strings.ReplaceAll(got, "(30900)", "") != want {
		t.Errorf("%d bytes, want %d: %.200q", len(got), len(want), got)
	}
	if text := file(t, line[5]); text != strings.Repeat("/0"+strings.Repeat(".", 100)+"\n", 300) {
		t.Errorf("the file has %d bytes", len(text))
	}
}

// No more at once than --parallel-max; the exit status is that of the first in
// order that failed.
func TestGetParallelBound(t *testing.T) {
	m := newMeeting()
	w := newGetWorld(t, func(w http.ResponseWriter, r *http.Request) {
		m.wait(t, 2)
		if strings.HasPrefix(r.URL.Path, "/bad") {
			w.WriteHeader(404)
		}
		fmt.Fprintln(w, r.URL.Path)
	})
	out, said := w.run(getHTTPError, "-Zf", "--parallel-max", "2", "--no-cache", "--no-compressed", "URL/1", "URL/bad", "gopher://x/", "URL/2", "URL/3", "URL/4")
	if out != "/1\n/2\n/3\n/4\n" || m.most > 2 {
		t.Errorf("%q, %d at once", out, m.most)
	}
	contains(t, said, "freshet: (22) the answer is 404 Not Found\n", "freshet: (1) ")
}

// With --fail-early the others end, and say nothing.
func TestGetParallelFailEarly(t *testing.T) {
	both := newMeeting()
	w := newGetWorld(t, func(w http.ResponseWriter, r *http.Request) {
		both.wait(t, 2)
		if r.URL.Path == "/bad" {
			w.WriteHeader(404)
			return
		}
		select {
		case <-r.Context().Done():
		case <-time.After(time.Minute):
			t.Error("it was not given up")
		}
	})
	_, said := w.run(getHTTPError, "-Zf", "--fail-early", "--no-cache", "URL/slow", "URL/bad")
	if said != "freshet: (22) the answer is 404 Not Found\n" {
		t.Errorf("%q", said)
	}
}

// Of two fetches to one file at the same time one is refused.
func TestGetParallelOneFile(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("files are not locked here")
	}
	gone := make(chan struct{})
	var once sync.Once
	w := newGetWorld(t, func(w http.ResponseWriter, r *http.Request) {
		fmt.Fprintln(w, r.URL.Path)
		w.(http.Flusher).Flush()
		select {
		case <-gone:
		case <-r.Context().Done(): // the one that is refused
			once.Do(func() { close(gone) })
		case <-time.After(time.Minute):
			t.Error("both are taken")
		}
	})
	out := filepath.Join(t.TempDir(), "f")
	_, said := w.run(getWriteError, "-Z", "--no-cache", "-o", out, "-o", out, "URL/1", "URL/2")
	contains(t, said, "another process is fetching to it")
	if text := file(t, out); text != "/1\n" && text != "/2\n" {
		t.Errorf("%q", text)
	}
}

// Standard input is the body of one.
func TestGetParallelInput(t *testing.T) {
	w := newGetWorld(t, func(w http.ResponseWriter, r *http.Request) {
		io.Copy(w, r.Body)
		fmt.Fprintln(w, r.URL.Path)
	})
	w.stdin = strings.NewReader("body of ")
	out, said := w.run(getReadError, "-Z", "--no-cache", "-T", "-", "URL/1", "URL/2")
	if out != "body of /1\n" && out != "body of /2\n" {
		t.Errorf("%q", out)
	}
	contains(t, said, "standard input has been used already")
}
