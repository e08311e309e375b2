//go:build !nonats

package bus

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"testing"

	"github.com/nats-io/nats.go/jetstream"
)

// TestResealWhileBusy: what is plain is sealed while others go on putting objects, of
// which some come each time that all that there is has been read.
func TestResealWhileBusy(t *testing.T) {
	f := newFleetStore(t)
	plain, err := f.by().Objects(limited(t), "files", ObjectsOptions{})
	if err != nil {
		t.Fatal(err)
	}
	for _, key := range []string{"a", "b", "c"} {
		mustPutObject(t, plain, key, blob(40*chunkSize, 1))
	}
	o, err := f.by("k1").Objects(limited(t), "files", ObjectsOptions{})
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(limited(t))
	busy, ended := make(chan error), make(chan error, 1)
	go func() {
		first := busy
		for ctx.Err() == nil {
			err := o.Put(ctx, "busy", bytes.NewReader([]byte("busy")))
			if err != nil && ctx.Err() == nil {
				ended <- err
				return
			}
			if first != nil {
				close(first)
				first = nil
			}
		}
		ended <- nil
	}()
	select {
	case <-busy:
	case err := <-ended:
		t.Fatal(err)
	}
	err = o.Reseal(limited(t))
	stop()
	if err := errors.Join(err, <-ended); err != nil {
		t.Fatal(err)
	}
	everySealed(t, f.c, "OBJ_files")
	for _, key := range []string{"a", "b", "c"} {
		wantObject(t, o, key, blob(40*chunkSize, 1))
	}
}

// TestResealMore goes through more than is held at a time.
func TestResealMore(t *testing.T) {
	f := newFleetStore(t)
	plain := openLog(t, f.by(), "jobs")
	const pages = fetchCount + 3
	for n := range pages {
		if err := plain.PutPage(limited(t), fmt.Sprint(n), []byte("a page")); err != nil {
			t.Fatal(err)
		}
	}
	l := openLog(t, f.by("k1"), "jobs")
	if n, err := l.Reseal(limited(t)); n != 0 || err != nil {
		t.Fatalf("%d, %v", n, err)
	}
	everySealed(t, f.c, "page_jobs")
	if got := pagesOf(t, openLog(t, f.by("k1"), "jobs")); len(got) != pages {
		t.Errorf("%d pages", len(got))
	}
	if from := l.c.record.from("page_jobs"); from != 1 {
		t.Errorf("nothing is plain from %d on", from)
	}
}

// TestLookingMissed: what was removed meanwhile is not missed, what was not seen is.
func TestLookingMissed(t *testing.T) {
	f := newFleetStore(t)
	l := openLog(t, f.by(), "jobs")
	for n := range 9 {
		if err := l.PutPage(limited(t), fmt.Sprint(n), []byte("a page")); err != nil {
			t.Fatal(err)
		}
	}
	all := func(jetstream.Msg) bool { return true }
	look := looking{c: l.c, stream: l.pages, needs: all}
	pass := func(want int) {
		t.Helper()
		if found, err := look.more(limited(t), func(uint64, jetstream.Msg) error { return nil }); found != want || err != nil {
			t.Errorf("%d, %v", found, err)
		}
	}
	missed := func(want bool) {
		t.Helper()
		if got, err := look.missed(limited(t)); got != want || err != nil {
			t.Errorf("missed: %v, %v", got, err)
		}
	}
	pass(9)
	missed(false)
	f.remove("page_jobs", 3)
	missed(false)
	pass(0)
	if err := l.PutPage(limited(t), "new", []byte("a page")); err != nil {
		t.Fatal(err)
	}
	pass(1)
	missed(false)
	look.seen -= 2 // one was removed
	missed(true)
}

// TestResealLeft: pages that are done are not gone through again while entries are
// left, and what was put among them is found by who reads them. A log that has no
// entry any more has nothing plain in it.
func TestResealLeft(t *testing.T) {
	f := newFleetStore(t)
	plain := openLog(t, f.by(), "jobs")
	mustAppend(t, plain, 0, "plain")
	if err := plain.PutPage(limited(t), "a", []byte("a page")); err != nil {
		t.Fatal(err)
	}
	l := openLog(t, f.by("k1"), "jobs")
	if n, err := l.Reseal(limited(t)); n != 1 || err != nil {
		t.Fatalf("%d, %v", n, err)
	}
	f.publish("freshet.page.jobs.b", []byte("forged"))
	if n, err := l.Reseal(limited(t)); n != 1 || err != nil {
		t.Errorf("with pages done: %d, %v", n, err)
	}
	if err := l.Pages(limited(t), func(string, []byte) error { return nil }); !errors.Is(err, ErrDamaged) {
		t.Error(err)
	}
	f.remove("log_jobs", 1)
	if n, err := l.Reseal(limited(t)); n != 0 || err != nil {
		t.Errorf("%d, %v", n, err)
	}
	f.publish("freshet.log.jobs", []byte("forged"))
	if err := openLog(t, f.by("k1"), "jobs").Read(limited(t), 0, func(uint64, []byte) error { return nil }); !errors.Is(err, ErrDamaged) {
		t.Errorf("a plain entry is taken: %v", err)
	}
}
