package app

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"freshet/cache"
	"freshet/internal/control"
)

// What a fleet asks of a server's cache.
var _ interface {
	control.Purger
	Hold()
	Release()
	Mark() string
	SetMark(string) error
} = (*purger)(nil)

// A server's cache is held, released and marked by its purger.
func TestPurgerOfFleet(t *testing.T) {
	store, err := cache.NewStore(cache.StoreOptions{})
	if err != nil {
		t.Fatal(err)
	}
	defer store.Close()
	asked := 0
	h, err := cache.New(cache.Options{Store: store, Next: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		asked++
		w.Header().Set("Cache-Control", "max-age=600")
	})})
	if err != nil {
		t.Fatal(err)
	}
	get := func(want int) {
		t.Helper()
		h.ServeHTTP(httptest.NewRecorder(), httptest.NewRequest("GET", "http://example.org/a", nil))
		if asked != want {
			t.Errorf("asked %d times, not %d", asked, want)
		}
	}
	p := onePurger(h.ByURL, store)
	get(1)
	p.Hold()
	get(2)
	p.Release()
	get(2)
	if err := p.SetMark("a 1"); err != nil || p.Mark() != "a 1" {
		t.Error(err, p.Mark())
	}
	q := &control.Request{URLs: []string{"http://example.org/a"}, ID: "fleet-1", Here: true}
	for range 2 { // the second is the first
		if a, err := p.Purge(q); err != nil || a.Receipt.ID != "fleet-1" || a.Receipt.Objects != 1 || len(a.Receipt.Nodes) != 0 {
			t.Errorf("%+v %v", a, err)
		}
		get(3)
	}
}

// The nodes of a receipt have a line each, within 80 columns, and those first at
// which a purge is missing.
func TestTellNodes(t *testing.T) {
	day := time.Date(2026, 1, 31, 12, 3, 0, 0, time.UTC)
	long := strings.Repeat("n", 40)
	r := &control.Receipt{Time: day, Nodes: []control.NodeReceipt{
		{Node: "web-2", State: control.NodeDone, Objects: 1},
		{Node: "web-10", State: control.NodeDone, Objects: 12, Bytes: 30112, Counting: true},
		{Node: "hub", State: control.NodeDone, Fault: "it could not be kept on disk"},
		{Node: "web-4", State: control.NodeWaiting},
		{Node: "web-3\x1b[2J", State: control.NodeAway, Since: day.Add(11 * time.Second)},
		{Node: long, State: control.NodeAway, Since: day.Add(-24 * time.Hour)},
	}}
	const away = "  nnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnn" + `
             away since 2026-01-30T12:03:00Z; it does not serve what was purged,
             and applies it when it is back
  web-3 [2J  away since 12:03:11Z; it does not serve what was purged, and
             applies it when it is back
  web-4      waiting: it has not said yet that it has applied it
`
	const done = `  hub        0 answers; it could not be kept on disk
  web-10     12 answers so far, counting, 30112 bytes of bodies
  web-2      1 answer
`
	for _, missing := range []bool{false, true} {
		want := away
		if !missing {
			want += done
		}
		var b strings.Builder
		tellNodes(&b, r, missing)
		got := b.String()
		if missing { // without the names of the others the column is narrower
			got, want = strings.Join(strings.Fields(got), " "), strings.Join(strings.Fields(want), " ")
		} else {
			for line := range strings.Lines(got) {
				if utf8.RuneCountInString(line) > 81 {
					t.Errorf("too long: %q", line)
				}
			}
		}
		if got != want {
			t.Errorf("missing %v:\n%s\nnot\n%s", missing, got, want)
		}
	}
	var b strings.Builder
	if tellNodes(&b, &control.Receipt{}, false); b.Len() != 0 {
		t.Errorf("%q", b.String())
	}
}

// Nodes that are away are no fault: the purge holds.
func TestPurgeAway(t *testing.T) {
	q := &control.Request{Tags: []string{"a"}}
	a := &control.Answer{Receipt: &control.Receipt{ID: "x", What: []string{"tag a"}, Nodes: []control.NodeReceipt{{Node: "web-3", State: control.NodeAway}}}}
	var b strings.Builder
	tellPurged(&b, q, a)
	if lines := strings.Split(b.String(), "\n"); !strings.HasPrefix(lines[0], "receipt x: ") || !strings.HasPrefix(lines[1], "  web-3  away; ") {
		t.Errorf("%q", b.String())
	}
}
