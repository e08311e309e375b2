package jobs

import (
	"bytes"
	"testing"
	"time"
)

// someEntries are what a scheduler writes, for a start.
func someEntries(f *testing.F) *memLog {
	log := newMemLog()
	s, err := New(ctx, log, Options{PageEntries: 2})
	if err != nil {
		f.Fatal(err)
	}
	ids := submit(f, s, Spec{Name: "a", Array: Range(1, 3), Needs: map[string]string{"x": "y"}}, Spec{Retries: 1}, Spec{Schedule: "@daily"})
	submit(f, s, Spec{After: ids[:1]})
	finish(f, s, claim(f, s, Worker{Labels: map[string]string{"x": "y"}}), Result{Exit: 2, Output: []byte("bad"), Reason: "why", Usage: Usage{CPU: time.Second}})
	finish(f, s, claim(f, s, Worker{}), Result{Lost: true})
	for _, do := range []func() error{
		func() error { return s.Pause(ctx, ids[0], true) },
		func() error { return s.Cancel(ctx, ids[0], Range(1, 2)) },
		func() error { return s.Retry(ctx, ids[0], Array{}) },
	} {
		if err := do(); err != nil {
			f.Fatal(err)
		}
	}
	all := log.copy()
	if err := s.Close(ctx); err != nil {
		f.Fatal(err)
	}
	all.pages = log.pages
	return all
}

// What is read of an entry is written again the same, and no entry makes the
// machine break.
func FuzzEntry(f *testing.F) {
	for _, e := range someEntries(f).entries {
		f.Add(e)
	}
	f.Fuzz(func(t *testing.T, entry []byte) {
		var again []byte
		err := readEntry(entry, func(ms int64, i int, e *event) error {
			if i == 0 {
				again = appendEntry(nil, ms)
			}
			again = e.append(again)
			return nil
		})
		if err != nil || again == nil {
			return
		}
		var third []byte
		err = readEntry(again, func(ms int64, i int, e *event) error {
			if i == 0 {
				third = appendEntry(nil, ms)
			}
			third = e.append(third)
			return nil
		})
		if err != nil || !bytes.Equal(again, third) {
			t.Fatalf("%x is written as %x, and that as %x, %v", entry, again, third, err)
		}
		m := &machine{}
		if m.applyEntry(1, entry) != nil {
			return
		}
		if err := m.goLive(); err != nil {
			return
		}
		m.pass(m.now + 1000)
		m.pick(&Worker{Node: "n"})
		_ = m.applyEntry(2, entry)
	})
}

// What is read of a page is written again the same.
func FuzzPage(f *testing.F) {
	for key, page := range someEntries(f).pages {
		f.Add(key, page)
	}
	f.Fuzz(func(t *testing.T, key string, data []byte) {
		l := newLedger(&machine{})
		if l.add(key, data) != nil {
			return
		}
		for _, p := range l.pages {
			again := newLedger(&machine{})
			if err := again.add(key, p.encode(p.asOf)); err != nil {
				t.Fatalf("%x: %v", data, err)
			}
			for _, q := range again.pages {
				if !bytes.Equal(q.encode(q.asOf), p.encode(p.asOf)) {
					t.Fatalf("%x: is written as %x, and that as %x", data, p.encode(p.asOf), q.encode(q.asOf))
				}
			}
		}
		if l.load() == nil {
			_ = l.m.goLive()
			l.m.pass(l.m.now + 1000)
			l.m.pick(&Worker{Node: "n"})
		}
	})
}
