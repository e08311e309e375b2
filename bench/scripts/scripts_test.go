package main

import (
	"bytes"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"freshet/bench/internal/process"
)

func TestSince(t *testing.T) {
	before := map[int]time.Duration{1: 5, 2: 7}
	if d, err := since(before, map[int]time.Duration{1: 6, 2: 9, 3: 4}); err != nil || d != 7 {
		t.Errorf("got %v, %v, want 7 with a new process", d, err)
	}
	if d, err := since(before, map[int]time.Duration{1: 6}); err == nil {
		t.Errorf("got %v though a process ended", d)
	}
}

func TestChoose(t *testing.T) {
	got, err := choose("lighttpd,nginx")
	if err != nil || len(got) != 2 || got[0].name != "lighttpd" || got[1].name != "nginx" {
		t.Errorf("got %v, %v", got, err)
	}
	if _, err := choose("iis"); err == nil || !strings.Contains(err.Error(), "apache") {
		t.Errorf("the error %v does not say what there is", err)
	}
}

// Each server's configuration can be made for each kind that it takes part in,
// and names what it must.
func TestConfigurations(t *testing.T) {
	for _, s := range servers {
		for _, k := range s.kinds {
			set := &setup{kind: k, dir: t.TempDir(), root: "/srv/site", addr: "127.0.0.1:8123", programs: "/opt"}
			if k != cgi {
				set.socket = "/run/script.sock"
			}
			args, err := s.args(set)
			if err != nil {
				t.Errorf("%s, %s: %v", s.name, k, err)
				continue
			}
			all := strings.Join(args, " ")
			files, _ := filepath.Glob(filepath.Join(set.dir, "*"))
			for _, name := range files {
				text, err := os.ReadFile(name)
				if err != nil {
					t.Fatal(err)
				}
				all += string(text)
			}
			for _, want := range []string{"8123", "/srv/site", set.socket} {
				if !strings.Contains(all, want) {
					t.Errorf("%s, %s: no %q in\n%s", s.name, k, want, all)
				}
			}
		}
	}
}

// What is wrong with an answer is seen.
func TestVerify(t *testing.T) {
	sc := &scenario{path: "/x", size: 1000}
	post := &scenario{path: "/x", post: 16}
	for _, c := range []struct {
		name, body, field, kind string
		status                  int
		sc                      *scenario
		fault                   string
	}{
		{"right", string(page(1000)), "page", "text/plain;charset=UTF-8", 200, sc, ""},
		{"right to a POST", "16 bytes, sum 1570\n", "page", "text/plain", 200, post, ""},
		{"half of the body sent", "8 bytes, sum 785\n", "page", "text/plain", 200, post, "another body"},
		{"status", string(page(1000)), "page", "text/plain", 500, sc, "status 500"},
		{"field", string(page(1000)), "", "text/plain", 200, sc, "fields"},
		{"type", string(page(1000)), "page", "text/html", 200, sc, "type"},
		{"short", string(page(999)), "page", "text/plain", 200, sc, "another body"},
	} {
		ts := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("X-Script", c.field)
			w.Header().Set("Content-Type", c.kind)
			w.WriteHeader(c.status)
			w.Write([]byte(c.body))
		}))
		err := verify(t.Context(), &running{server: &server{}, url: ts.URL}, c.sc)
		ts.Close()
		if c.fault == "" && err != nil || c.fault != "" && (err == nil || !strings.Contains(err.Error(), c.fault)) {
			t.Errorf("%s: got %v, want %q", c.name, err, c.fault)
		}
	}
}

// A script that runs is not the server's own, and is waited for.
func TestOwn(t *testing.T) {
	dir := t.TempDir()
	first, second := filepath.Join(dir, "first"), filepath.Join(dir, "second")
	for _, fifo := range []string{first, second} {
		if err := syscall.Mkfifo(fifo, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	// A shell that waits by itself once its child has ended.
	p, err := process.Start(process.Options{Args: []string{"sh", "-c", "cat " + first + "; read x <" + second}, CPU: -1, Dir: dir})
	if err != nil {
		t.Fatal(err)
	}
	defer p.Stop(time.Minute)
	child, err := os.OpenFile(first, os.O_WRONLY, 0) // when the child reads
	if err != nil {
		t.Fatal(err)
	}
	if tree := process.Tree(p.PID()); len(tree) < 2 {
		t.Errorf("the shell has started nothing: %v", tree)
	}
	time.AfterFunc(300*time.Millisecond, func() { child.Close() })
	r := &running{server: &server{name: "shell"}, process: p}
	if own, err := r.own(t.Context()); err != nil || !slices.Equal(own, []int{p.PID()}) {
		t.Errorf("got %v, %v, want the shell alone", own, err)
	}
}

func TestVerdicts(t *testing.T) {
	eight := func(x float64) []float64 { return slices.Repeat([]float64{x}, 8) }
	tab := &table{scenario: &scenario{name: "test"}, columns: []*column{
		{name: "ours", ours: true, cpu: eight(200), core: eight(500), perSecond: eight(1), p99: eight(1)},
		{name: "ours-more", ours: true, cpu: eight(215), core: eight(500), perSecond: eight(1), p99: eight(1)},
		{name: "dear", cpu: eight(400), core: eight(500), perSecond: eight(1), p99: eight(1)},
		{name: "cheap", cpu: eight(100), core: eight(500), perSecond: eight(1), p99: eight(1)},
		{name: bareName, cpu: eight(80), core: eight(500), perSecond: eight(1)},
		{name: "child", cpu: eight(100), core: eight(500), perSecond: eight(1)},
		{name: "child+limits", cpu: eight(120), core: eight(500), perSecond: eight(1)},
	}}
	var w bytes.Buffer
	tab.print(&w)
	printVerdicts(&w, tab.verdicts())
	text := strings.Join(strings.Fields(w.String()), " ")
	for _, want := range []string{
		"dear 400.0 500 1 0.00 2.00 2.00..2.00",
		"test ours-more − ours 15.0 µs (15.0..15.0) for information",
		"test dear ÷ ours 2.00 (2.00..2.00) ours is cheaper",
		"test cheap ÷ ours 0.50 (0.50..0.50) OURS IS DEARER",
		"test child+limits − child 20.0 µs (20.0..20.0) for information",
		"test ours − fork+exec 120.0 µs (120.0..120.0) below the bar",
	} {
		if !strings.Contains(text, want) {
			t.Errorf("no %q in\n%s", want, w.String())
		}
	}
}
