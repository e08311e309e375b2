package jobs

import (
	"testing"
	"testing/synctest"
)

// Cut has pages be written though it is not time yet, and all entries go but the
// last one; the next scheduler knows the same.
func TestCut(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		log := newMemLog()
		s := start(t, log, Options{})
		var ids []ID
		for range 5 {
			got, err := s.Submit(t.Context(), Spec{Command: []string{"true"}})
			if err != nil {
				t.Fatal(err)
			}
			ids = append(ids, got...)
		}
		if has := log.copy(); len(has.entries) != 6 || len(has.pages) != 0 {
			t.Fatalf("%d entries, %d pages", len(has.entries), len(has.pages))
		}
		for range 2 { // also when there is nothing new
			if err := s.Cut(t.Context()); err != nil {
				t.Fatal(err)
			}
			synctest.Wait()
			if has := log.copy(); len(has.entries) != 1 || has.first != 6 || len(has.pages) == 0 {
				t.Errorf("%d entries from %d on, %d pages", len(has.entries), has.first, len(has.pages))
			}
		}
		if err := s.Close(t.Context()); err != nil {
			t.Fatal(err)
		}
		s = start(t, log, Options{})
		for _, id := range ids {
			if _, err := s.Job(t.Context(), id); err != nil {
				t.Errorf("%s: %v", id, err)
			}
		}
		if err := s.Close(t.Context()); err != nil {
			t.Fatal(err)
		}
		if err := s.Cut(t.Context()); err == nil {
			t.Error("one that is closed is cut")
		}
	})
}
