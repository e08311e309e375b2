package ui_test

import (
	"bytes"
	"errors"
	"flag"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"

	"freshet/internal/monitor/ui"
)

var update = flag.Bool("update", false, "rewrite testdata/*.html")

func draw(t *testing.T, v *ui.View) string {
	t.Helper()
	var b bytes.Buffer
	if err := ui.Page(&b, v); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

func TestGolden(t *testing.T) {
	for name, v := range map[string]*ui.View{
		"everything": everything(),
		"empty":      {Title: "Empty", Path: "/"},
	} {
		t.Run(name, func(t *testing.T) {
			golden(t, name+".html", draw(t, v))
		})
	}
}

// hash is the part of an asset's address that changes with its content.
var hash = regexp.MustCompile(`(/assets/[a-z]+\.)[0-9a-f]{24}\.`)

func golden(t *testing.T, name, got string) {
	t.Helper()
	got = hash.ReplaceAllString(got, "${1}HASH.")
	path := filepath.Join("testdata", name)
	if *update {
		if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if got != string(want) {
		t.Errorf("%s differs (rewrite it with -update and read the difference):\n%s", path, got)
	}
}

// sink refuses after some bytes, or remembers how often it was written to.
type sink struct {
	writes int
	fail   error
}

func (s *sink) Write(p []byte) (int, error) {
	s.writes++
	return len(p), s.fail
}

func TestPageWholeOrNotAtAll(t *testing.T) {
	s := &sink{fail: errors.New("gone")}
	if err := ui.Page(s, everything()); !errors.Is(err, s.fail) || s.writes != 1 {
		t.Errorf("%v after %d writes", err, s.writes)
	}
	s = &sink{}
	if err := ui.Page(s, &ui.View{Sections: []ui.Section{(*ui.Table)(nil)}}); err == nil || s.writes != 0 {
		t.Errorf("a page that cannot be drawn: %v after %d writes", err, s.writes)
	}
}

func TestNavigation(t *testing.T) {
	for path, want := range map[string]string{
		"/":            `<a href="/" aria-current="page">Overview`,
		"/requests":    `<a href="/requests" aria-current="page">Requests`,
		"/requests/17": `<a href="/requests" aria-current="true">Requests`,
		"/requestsx":   "",
	} {
		page := draw(t, &ui.View{Path: path})
		if want != "" && !strings.Contains(page, want) || strings.Count(page, "aria-current") != min(len(want), 1) {
			t.Errorf("%s: no %q, or more:\n%s", path, want, page)
		}
	}
	if page := draw(t, &ui.View{Nav: []ui.Link{{Text: "Only", Href: "/only"}}}); strings.Contains(page, "/requests") {
		t.Error("the default navigation beside another one")
	}
}

func TestPagesInParallel(t *testing.T) {
	want := draw(t, everything())
	var all sync.WaitGroup
	for range 8 {
		all.Go(func() {
			var b bytes.Buffer
			if err := ui.Page(&b, everything()); err != nil || b.String() != want {
				t.Errorf("another page, or %v", err)
			}
		})
	}
	all.Wait()
}
