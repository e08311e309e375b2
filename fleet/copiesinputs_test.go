package fleet

import (
	"context"
	"errors"
	"os"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"freshet/internal/worker"
	"freshet/jobs"
)

// inputsOver opens inputs in an empty folder over objects.
func inputsOver(t *testing.T, o objects, io InputOptions) *Inputs {
	t.Helper()
	io.Now = time.Now
	i, err := OpenInputs(t.TempDir(), io, testRing(), elsewhereOf(t, o))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { i.Close() })
	return i
}

// What came whole is elsewhere, and counts, is bounded, fetched and forgotten
// there.
func TestInputsElsewhere(t *testing.T) {
	plainOnly(t)
	synctest.Test(t, func(t *testing.T) {
		o := newFake()
		first := inputsOver(t, o, InputOptions{})
		f, g := first.give(t, "content"), first.give(t, "")
		if list := o.keys(); len(list) != 2 || list[0] != inputKey(g.SHA256) && list[1] != inputKey(g.SHA256) {
			t.Fatalf("%q", list)
		}

		second := inputsOver(t, o, InputOptions{MaxAll: 8})
		if lacks, err := second.lacks([]jobs.File{f, g}); len(lacks) != 0 || err != nil {
			t.Errorf("%v, %v", lacks, err)
		}
		if err := second.check([]jobs.Spec{{Files: []jobs.File{f, g}}}); err != nil {
			t.Error(err)
		}
		if _, err := second.lacks([]jobs.File{fileOf("", "ab")}); !errors.Is(err, jobs.ErrFull) {
			t.Error(err)
		}
		if list := names(t, second.dir); len(list) != 0 {
			t.Errorf("%q before they are needed", list)
		}
		var reading sync.WaitGroup
		for range 10 {
			reading.Go(func() {
				if text, err := second.text(f); text != "content" || err != nil {
					t.Errorf("%q, %v", text, err)
				}
			})
		}
		reading.Wait()
		if text, err := second.text(g); text != "" || err != nil || o.counted("get") != 2 {
			t.Errorf("%q, %v; %d gets", text, err, o.counted("get"))
		}

		// What is not what it was is fetched anew.
		file, err := second.Open(t.Context(), f)
		if err != nil {
			t.Fatal(err)
		}
		file.Wrong()
		file.Close()
		if text, err := second.text(f); text != "content" || err != nil || o.counted("get") != 3 {
			t.Errorf("%q, %v; %d gets", text, err, o.counted("get"))
		}

		// An hour later what no job needs goes there, too.
		time.Sleep(inputSettle + 1)
		if err := second.forget(func(needs func(string)) error { needs(g.SHA256); return nil }); err != nil {
			t.Error(err)
		}
		if list := o.keys(); len(list) != 1 || list[0] != inputKey(g.SHA256) || second.size != 0 || len(names(t, second.dir)) != 1 {
			t.Errorf("%q, %d bytes, %q", list, second.size, names(t, second.dir))
		}
		if _, err := second.Open(t.Context(), f); !errors.Is(err, worker.ErrInput) {
			t.Error(err)
		}
	})
}

// The folder is a copy: what is not elsewhere does not count, and what is there
// is not fetched again.
func TestInputsFolderIsACopy(t *testing.T) {
	plainOnly(t)
	o := newFake()
	dir := t.TempDir()
	i, _ := inputsAt(t, copiesOf(dir), InputOptions{})
	here, both := i.give(t, "here alone"), i.give(t, "here and there")
	o.content[inputKey(both.SHA256)] = []byte("here and there")
	o.content["input/..%2f"] = []byte("nothing of ours")
	j, err := OpenInputs(dir, InputOptions{}, testRing(), elsewhereOf(t, o))
	if err != nil {
		t.Fatal(err)
	}
	if lacks, err := j.lacks([]jobs.File{here, both}); err != nil || len(lacks) != 1 || lacks[0].SHA256 != here.SHA256 {
		t.Errorf("%v, %v", lacks, err)
	}
	if text, err := j.text(both); err != nil || text != "here and there" || o.counted("get") != 0 || j.size != both.Size {
		t.Errorf("%q, %v, %d bytes", text, err, j.size)
	}
	if list := names(t, j.dir); len(list) != 1 {
		t.Errorf("%q", list)
	}
}

// What cannot be kept elsewhere is not there; nothing of it has to be sent again.
func TestInputsThatCannotBeKept(t *testing.T) {
	for _, f := range []fault{fails, unheard, hangs, lateHang} {
		synctest.Test(t, func(t *testing.T) {
			o := newFake()
			o.set("put", f)
			i := inputsOver(t, o, InputOptions{})
			file := fileOf("a", "abcdef")
			put := func(offset int64, piece string) (int64, bool, error) {
				return i.put(file.SHA256, file.Size, offset, []byte(piece))
			}
			put(0, "abc")
			for range 2 {
				if _, whole, err := put(3, "def"); err == nil && whole {
					t.Errorf("fault %d: it is whole", f)
				}
				lacks, err := i.lacks([]jobs.File{file})
				if err != nil || len(lacks) != 1 || lacks[0].Have != 6 {
					t.Errorf("fault %d: %v, %v", f, lacks, err)
				}
			}
			if err := i.check([]jobs.Spec{{Files: []jobs.File{file}}}); !errors.Is(err, jobs.ErrSpec) {
				t.Error(err)
			}
			o.set("", well)
			if _, whole, err := put(6, ""); err != nil || !whole || i.size != 6 {
				t.Errorf("fault %d: %v, %v, %d bytes", f, whole, err, i.size)
			}
			if text, err := inputsOver(t, o, InputOptions{}).text(file); err != nil || text != "abcdef" {
				t.Errorf("fault %d: %q, %v", f, text, err)
			}
		})
	}
}

// What cannot be fetched is an error, after which it is tried again; what comes
// is what it should be.
func TestInputsThatCannotBeFetched(t *testing.T) {
	for _, f := range []fault{fails, hangs, other, short} {
		synctest.Test(t, func(t *testing.T) {
			o := newFake()
			file := inputsOver(t, o, InputOptions{}).give(t, "content")
			i := inputsOver(t, o, InputOptions{})
			o.set("get", f)
			if _, err := i.Open(t.Context(), file); err == nil || errors.Is(err, worker.ErrInput) {
				t.Errorf("fault %d: %v", f, err)
			}
			if list := names(t, i.dir); len(list) != 0 {
				t.Errorf("fault %d: %q", f, list)
			}
			o.set("", well)
			if text, err := i.text(file); err != nil || text != "content" {
				t.Errorf("fault %d: %q, %v", f, text, err)
			}
		})
	}
	// One that is another there is sent again with the next job.
	o := newFake()
	file := inputsOver(t, o, InputOptions{}).give(t, "content")
	o.content[inputKey(file.SHA256)] = []byte("CONTENT")
	i := inputsOver(t, o, InputOptions{})
	if _, err := i.Open(t.Context(), file); !errors.Is(err, errOther) {
		t.Error(err)
	}
	if lacks, err := i.lacks([]jobs.File{file}); err != nil || len(lacks) != 1 {
		t.Errorf("%v, %v", lacks, err)
	}
	if i.give(t, "content"); i.size != file.Size {
		t.Errorf("%d bytes", i.size)
	}
	if text, err := i.text(file); err != nil || text != "content" {
		t.Errorf("%q, %v", text, err)
	}
	// And one that is gone there is gone, when that is sure.
	delete(o.content, inputKey(file.SHA256))
	os.Remove(i.path(file.SHA256))
	for n := range maxMissed {
		if _, err := i.Open(t.Context(), file); errors.Is(err, worker.ErrInput) != (n == maxMissed-1) || err == nil {
			t.Errorf("%d: %v", n, err)
		}
	}
	if i.size != 0 {
		t.Errorf("%d bytes", i.size)
	}
}

// What could not be removed elsewhere, or may not have been, does not count, and
// is removed later.
func TestInputsThatCannotBeRemoved(t *testing.T) {
	for _, f := range []fault{fails, unheard, hangs, lateHang} {
		synctest.Test(t, func(t *testing.T) {
			o := newFake()
			i := inputsOver(t, o, InputOptions{})
			file, again := i.give(t, "content"), i.give(t, "again")
			time.Sleep(inputSettle + 1)
			o.set("delete", f)
			none := func(func(string)) error { return nil }
			for range 2 { // of the two, one is tried each time
				if err := i.forget(none); err == nil {
					t.Errorf("fault %d: no error", f)
				}
			}
			i.removeThere(i.in.Name(file.SHA256))
			i.removeThere(i.in.Name(again.SHA256))
			if lacks, err := i.lacks([]jobs.File{file, again}); err != nil || len(lacks) != 2 {
				t.Errorf("fault %d: %v, %v", f, lacks, err)
			}
			o.set("", well)
			i.give(t, "again")
			if err := i.forget(none); err != nil || i.size != again.Size {
				t.Errorf("fault %d: %v; %d bytes", f, err, i.size)
			}
			if list := o.keys(); len(list) != 1 || list[0] != inputKey(again.SHA256) {
				t.Errorf("fault %d: %q", f, list)
			}
		})
	}
}

// A content that is removed and sent at the same time is there afterwards, if who
// sent it was told so.
func TestInputsRemovedWhileTheyAreSent(t *testing.T) {
	plainOnly(t)
	o := newFake()
	i := inputsOver(t, o, InputOptions{Settle: 1})
	file := fileOf("a", "content")
	var all sync.WaitGroup
	for range 50 {
		all.Go(func() { i.put(file.SHA256, file.Size, 0, []byte("content")) })
		all.Go(func() { i.forget(func(func(string)) error { return nil }) })
	}
	all.Wait()
	i.mu.Lock()
	one := i.there[file.SHA256]
	i.mu.Unlock()
	if there := len(o.keys()) == 1; (one != nil && !one.unsure) != there {
		t.Errorf("%v, %q", one, o.keys())
	}
	if _, err := i.Open(context.Background(), file); (err == nil) != (one != nil) {
		t.Error(err)
	}
	if one == nil && (i.size != 0 || len(names(t, i.dir)) != 0) {
		t.Errorf("%d bytes, %s", i.size, strings.Join(names(t, i.dir), " "))
	}
}
