package static

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"sync"
	"testing"

	"freshet/internal/field"
	"freshet/internal/representation"
)

// TestMemory: whatever is asked for, what is kept fits the budget, and what is
// asked for often stays.
func TestMemory(t *testing.T) {
	const budget = 200_000
	files := map[string]string{"hot.txt": "asked for all the time"}
	for i := range 300 {
		files[fmt.Sprintf("%d.js", i)] = strings.Repeat(fmt.Sprintf("let a%d = %d;\n", i, i), 150)
	}
	s := newSite(t, Options{Memory: budget}, files)
	for i := range 300 {
		path := fmt.Sprintf("/%d.js", i)
		if w := s.get(path); w.Body.String() != files[path[1:]] {
			t.Fatalf("%s: %d", path, w.Code)
		}
		s.get("/hot.txt")
		if used, n := s.table.size(); used > budget {
			t.Fatalf("%d bytes in %d entries", used, n)
		}
	}
	s.settle()
	used, n := s.table.size()
	if used > budget || n < 20 {
		t.Errorf("%d bytes in %d entries", used, n)
	}
	if s.table.get("hot.txt") == nil {
		t.Error("what was asked for all the time has gone")
	}
	s.auditTable()

	// Names that are not there leave nothing behind.
	before, _ := s.table.size()
	for i := range 1000 {
		s.get(fmt.Sprintf("/none%d", i))
		s.hot(raw(fmt.Sprintf("GET /none%d", i)))
	}
	if after, _ := s.table.size(); after != before {
		t.Errorf("%d bytes after a thousand misses, %d before", after, before)
	}
	must(t, s.Close())
	if used, n := s.table.size(); used != 0 || n != 0 {
		t.Errorf("%d bytes in %d entries after Close", used, n)
	}
}

// auditTable checks what the table says of itself.
func (s *site) auditTable() {
	s.t.Helper()
	tb := s.table
	tb.mu.Lock()
	defer tb.mu.Unlock()
	var sum int64
	for i, e := range tb.ring {
		sum += e.cost
		if e.slot != i || e.cost != e.weigh() || tb.get(e.key) != e {
			s.t.Errorf("%s: slot %d of %d, cost %d of %d", e.key, e.slot, i, e.cost, e.weigh())
		}
	}
	for i := range tb.front {
		if e := tb.front[i].Load(); e != nil && e.slot < 0 {
			s.t.Errorf("%s: has left, but stands in front", e.key)
		}
	}
	n := 0
	for i := range tb.shards {
		n += len(tb.shards[i].m)
	}
	if sum != tb.used || n != len(tb.ring) {
		s.t.Errorf("used %d, sum %d; %d keys, %d entries", tb.used, sum, n, len(tb.ring))
	}
}

// TestTable compares the table with a plain map, by a random history.
func TestTable(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	s := &site{t: t, Handler: &Handler{table: newTable(60_000)}}
	last := map[string]*entry{}
	for range 5000 {
		key := fmt.Sprint(r.IntN(80))
		switch r.IntN(5) {
		case 0, 1:
			e := &entry{key: key, slot: -1}
			e.set.Store(representation.NewSet(&e.meta, newVariant(&e.meta, field.Identity, 1, make([]byte, r.IntN(3000)))))
			s.table.put(e)
			last[key] = e
		case 2:
			s.table.remove(s.table.get(key))
		case 3:
			if e := last[key]; e != nil && !s.table.grow(e, newVariant(&e.meta, field.Gzip, 1, make([]byte, r.IntN(500)))) && s.table.get(key) == e {
				t.Fatalf("%s: does not grow", key)
			}
		case 4:
			if e := s.table.get(key); e != nil {
				if e != last[key] {
					t.Fatalf("%s: not the last entry", key)
				}
				e.touch()
			}
		}
		if used, n := s.table.size(); used > s.table.budget && n > 1 {
			t.Fatalf("%d bytes in %d entries", used, n)
		}
	}
	s.auditTable()
}

func TestEntryOverBudget(t *testing.T) {
	s := newSite(t, Options{Memory: 2000}, map[string]string{"a.txt": "a", strings.Repeat("long", 60) + ".txt": "x"})
	for range 2 {
		if w := s.get("/a.txt"); w.Code != 200 || w.Body.String() != "a" {
			t.Error(w.Code)
		}
		if used, _ := s.table.size(); used > 2000 {
			t.Errorf("%d bytes", used)
		}
	}
}

// TestMissingIsBounded: names that are remembered as missing take each
// other's place, and long ones are not remembered.
func TestMissingIsBounded(t *testing.T) {
	m := newMissing()
	for i := range 10_000 {
		m.note(fmt.Sprint(i), 5)
	}
	known := 0
	for i := range 10_000 {
		if m.lately(fmt.Sprint(i), 6, 10) {
			known++
		}
	}
	if known == 0 || known > len(m.slots) {
		t.Errorf("%d names are remembered", known)
	}
	m.note(strings.Repeat("x", maxMissedKey+1), 5)
	if m.lately(strings.Repeat("x", maxMissedKey+1), 6, 10) {
		t.Error("a long name is remembered")
	}
	m.note("a", 5)
	for now, want := range map[int64]bool{4: false, 5: true, 14: true, 15: false} {
		if m.lately("a", now, 10) != want {
			t.Errorf("at %d: %v", now, !want)
		}
	}
}

// TestTogether: requests, edits and eviction at the same time; the race
// detector looks on. A body is always one that the file had, with its tag.
func TestTogether(t *testing.T) {
	contents := []string{strings.Repeat("one\n", 300), strings.Repeat("two!\n", 300), strings.Repeat("three", 20_000)}
	s := newSite(t, Options{Memory: 300_000, MaxInMemory: 15_000}, map[string]string{"a.txt": contents[0], "b.txt": contents[1], "c.txt": contents[2]})
	var mu sync.Mutex
	bodies := map[string]string{} // by tag
	var wg sync.WaitGroup
	for g := range 4 {
		wg.Go(func() {
			r := rand.New(rand.NewPCG(uint64(g), 1))
			for range 150 {
				path := "/" + string(rune('a'+r.IntN(3))) + ".txt"
				if r.IntN(10) == 0 {
					s.replace(path[1:], contents[r.IntN(3)])
					continue
				}
				if r.IntN(2) == 0 {
					s.hot(raw("GET "+path, "Accept-Encoding: gzip"))
					continue
				}
				w := s.get(path)
				tag, body := w.Header().Get("Etag"), w.Body.String()
				if w.Code != 200 || body != contents[0] && body != contents[1] && body != contents[2] {
					t.Errorf("%s: %d, %d bytes", path, w.Code, len(body))
				}
				mu.Lock()
				if old, ok := bodies[tag]; tag != "" && ok && old != body {
					t.Errorf("%s has two bodies", tag)
				}
				bodies[tag] = body
				mu.Unlock()
			}
		})
	}
	wg.Wait()
	s.settle()
	s.auditTable()
}
