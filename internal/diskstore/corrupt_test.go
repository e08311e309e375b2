package diskstore

import (
	"bytes"
	"context"
	"errors"
	"math/rand/v2"
	"os"
	"testing"
	"time"

	"freshet/internal/alloctest"
)

// flip changes one bit of a file.
func flip(t *testing.T, name string, offset int64, bit int) {
	t.Helper()
	f, err := os.OpenFile(name, os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	var b [1]byte
	if _, err := f.ReadAt(b[:], offset); err != nil {
		t.Fatal(err)
	}
	b[0] ^= 1 << bit
	if _, err := f.WriteAt(b[:], offset); err != nil {
		t.Fatal(err)
	}
}

// A bit that flips anywhere is noticed before the byte is used, and the object goes.
func TestFlippedBits(t *testing.T) {
	s := open(t, Options{Dir: t.TempDir()})
	settled(t, s)
	k, large, small := key(1), content(1, 200_000), content(2, 1000)
	r := rand.New(rand.NewPCG(1, 4))
	fresh := func() (meta, body string, metaSize int64) {
		b := write(t, s, -1, large)
		put(t, s, k, "some metadata", b, write(t, s, -1, small))
		rec, err := s.readRecord(&k)
		if err != nil {
			t.Fatal(err)
		}
		return s.metaPath(&k), s.bodyPath(&k, b.ID), encodedSize(rec)
	}
	gone := func(what string, offset int64) {
		t.Helper()
		if _, _, err := get(s, k); !errors.Is(err, ErrNotFound) && !errors.Is(err, ErrCorrupt) {
			t.Errorf("%s, offset %d: %v", what, offset, err)
		}
		wantNone(t, s, k)
		if n := files(t, s.opt.Dir); n != 0 {
			t.Errorf("%s, offset %d: %d files are left", what, offset, n)
		}
	}
	_, _, metaSize := fresh()
	for offset := int64(0); offset < metaSize; offset += 1 + offset/4 {
		meta, _, _ := fresh()
		flip(t, meta, offset, r.IntN(8))
		gone("metadata", offset)
	}
	for _, offset := range []int64{0, 1, 4095, 65_535, 65_536, 131_072, 199_999} {
		_, body, _ := fresh()
		flip(t, body, offset, r.IntN(8))
		gone("body", offset)
		_, body, _ = fresh()
		if err := os.Truncate(body, offset); err != nil {
			t.Fatal(err)
		}
		gone("body cut", offset)
	}
	_, body, _ := fresh()
	if err := os.Remove(body); err != nil {
		t.Fatal(err)
	}
	gone("body removed", 0)
	meta, _, _ := fresh()
	if err := os.Remove(meta); err != nil {
		t.Fatal(err)
	}
	wantNone(t, s, k)
	balanced(t, s)
	if s.Stats().Corrupt == 0 {
		t.Error("nothing was counted")
	}
}

// Metadata of another key, under this key's name, is not this key's.
func TestForeignMetadata(t *testing.T) {
	s := open(t, Options{Dir: t.TempDir()})
	put(t, s, key(1), "one")
	put(t, s, key(2), "two")
	one, two := key(1), key(2)
	if err := os.Rename(s.metaPath(&one), s.metaPath(&two)); err != nil {
		t.Fatal(err)
	}
	wantNone(t, s, two)
	wantNone(t, s, one)
}

func TestVerifyRemembers(t *testing.T) {
	s := open(t, Options{Dir: t.TempDir()})
	for i, size := range []int{100_000, 70 * blockSize} { // a number of bits, and a bitmap
		k, data := key(i), content(1, size)
		b := write(t, s, -1, data)
		put(t, s, k, "", b)
		o, err := s.Get(k)
		if err != nil {
			t.Fatal(err)
		}
		f, err := o.OpenBody(0)
		if err != nil {
			t.Fatal(err)
		}
		if err := f.Verify(0, blockSize); err != nil {
			t.Error(err)
		}
		for _, n := range []int64{-1, int64(size) + 1} {
			if err := f.Verify(0, n); !errors.Is(err, ErrNotFound) {
				t.Errorf("%d bytes: %v", n, err)
			}
		}
		// Through another descriptor it is remembered too: this block's flipped
		// bit is not looked for, the next block's is.
		flip(t, s.bodyPath(&k, b.ID), 10, 0)
		flip(t, s.bodyPath(&k, b.ID), int64(size)-1, 0)
		f.Release()
		o.Release()
		if o, err = s.Get(k); err != nil {
			t.Fatal(err)
		}
		if f, err = o.OpenBody(0); err != nil {
			t.Fatal(err)
		}
		if err := f.Verify(5, blockSize-10); err != nil {
			t.Error(err)
		}
		if n := alloctest.PerRun(100, func() { _ = f.Verify(5, blockSize-10) }); n > 0 && !raceEnabled {
			t.Errorf("what is known costs %v allocations", n)
		}
		if err := f.Verify(0, int64(size)); !errors.Is(err, ErrCorrupt) {
			t.Errorf("last block: %v", err)
		}
		f.Release()
		o.Release()
		wantNone(t, s, k)
	}
	for i := range s.seen.shards {
		if n := len(s.seen.shards[i].small) + len(s.seen.shards[i].large); n > 0 {
			t.Errorf("%d bodies that are gone are remembered", n)
		}
	}
}

func TestScrub(t *testing.T) {
	s := open(t, Options{Dir: t.TempDir(), ScrubRate: 1 << 40, ScrubEvery: time.Millisecond})
	good, rotten, torn := key(1), key(2), key(3)
	data := content(1, 200_000)
	put(t, s, good, "good", write(t, s, -1, data), write(t, s, -1, data[:10]))
	b := write(t, s, -1, data)
	put(t, s, rotten, "rotten", b)
	put(t, s, torn, "torn", write(t, s, -1, data[:10]))
	flip(t, s.bodyPath(&rotten, b.ID), 150_000, 3)
	if err := os.Truncate(s.metaPath(&torn), 50); err != nil {
		t.Fatal(err)
	}
	wait(t, "the scrub", func() bool { return s.Stats().Corrupt == 2 && s.Stats().Entries == 1 })
	want(t, s, good, "good", data, data[:10])
	if s.Stats().Scrubbed == 0 {
		t.Error("nothing was counted")
	}
}

// A pass that is asked for looks at all that is there, and says what it found.
func TestScrubOnce(t *testing.T) {
	dir := t.TempDir()
	s := open(t, Options{Dir: dir, ScrubRate: -1})
	good, rotten, torn := key(1), key(2), key(3)
	data := content(1, 200_000)
	put(t, s, good, "good", write(t, s, -1, data), write(t, s, -1, data[:10]))
	b := write(t, s, -1, data)
	put(t, s, rotten, "rotten", b)
	put(t, s, torn, "torn", write(t, s, -1, data[:10]))
	told := int64(0)
	scrub := func(want Scrubbed) {
		t.Helper()
		told = 0
		got, err := s.Scrub(t.Context(), 0, func(done, all int64) {
			if told++; done != told || all < done {
				t.Errorf("%d of %d after %d", done, all, told-1)
			}
		})
		if got.Objects != want.Objects || got.Bytes != want.Bytes || got.Removed != want.Removed || err != nil || told != got.Objects {
			t.Errorf("%+v, %v, told %d; want %+v", got, err, told, want)
		}
	}
	scrub(Scrubbed{Objects: 3, Bytes: 400_000})
	flip(t, s.bodyPath(&rotten, b.ID), 150_000, 3)
	if err := os.Truncate(s.metaPath(&torn), 50); err != nil {
		t.Fatal(err)
	}
	// What is removed gives its place to another one, which may be looked at
	// in the next pass only.
	removed := int64(0)
	for range 3 {
		r, err := s.Scrub(t.Context(), 0, nil)
		if err != nil {
			t.Fatal(err)
		}
		removed += r.Removed
	}
	if removed != 2 {
		t.Errorf("%d were removed", removed)
	}
	scrub(Scrubbed{Objects: 1, Bytes: 200_000})
	want(t, s, good, "good", data, data[:10])

	ended, end := context.WithCancel(t.Context())
	end()
	if _, err := s.Scrub(ended, 0, nil); !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
	s.Close()
	if _, err := s.Scrub(t.Context(), 1, nil); !errors.Is(err, ErrClosed) {
		t.Error(err)
	}
	other := open(t, Options{Dir: t.TempDir(), Shared: true})
	if _, err := other.Scrub(t.Context(), 0, nil); !errors.Is(err, ErrNoScrub) {
		t.Error(err)
	}
}

// The scrub spends what its rate allows.
func TestPace(t *testing.T) {
	s := open(t, Options{Dir: t.TempDir()})
	p := &pace{ctx: s.ctx, rate: 10 << 20}
	began := time.Now()
	for range 16 {
		if !p.spend(blockSize) {
			t.Fatal("closed")
		}
	}
	if d := time.Since(began); d < 99*time.Millisecond {
		t.Errorf("1 MiB at 10 MiB/s took %v", d)
	}
	s.Close()
	if p.spend(1 << 30) {
		t.Error("a closed store goes on")
	}
}

func TestSparse(t *testing.T) {
	const size = 300_000
	s := open(t, Options{Dir: t.TempDir()})
	k, data := key(1), content(1, size)
	w, err := s.OpenSparse(size)
	if err != nil {
		t.Fatal(err)
	}
	writeAt := func(w *Writer, start, end int) {
		t.Helper()
		if n, err := w.WriteAt(data[start:end], int64(start)); err != nil || n != end-start {
			t.Fatal(n, err)
		}
	}
	writeAt(w, 100_000, 150_000)
	writeAt(w, 0, 10)
	if _, err := w.Write(data); !errors.Is(err, errMethod) {
		t.Errorf("Write: %v", err)
	}
	if _, err := w.WriteAt(data, 1); !errors.Is(err, errUnsound) {
		t.Errorf("beyond the end: %v", err)
	}
	p := make([]byte, 20)
	if n, _ := w.ReadAt(p, 99_990); n != 0 {
		t.Errorf("read %d bytes of a hole", n)
	}
	if n, _ := w.ReadAt(p, 149_995); n != 5 || !bytes.Equal(p[:5], data[149_995:150_000]) {
		t.Errorf("read %d bytes before a hole", n)
	}
	b, err := w.Finish()
	if err != nil || len(b.Extents) != 2 || w.Written() != 50_010 {
		t.Fatalf("%+v, %v", b, err)
	}
	put(t, s, k, "sparse", b)

	old, err := s.Get(k)
	if err != nil {
		t.Fatal(err)
	}
	defer old.Release()
	if w, err = s.AddTo(k, b.ID); err != nil {
		t.Fatal(err)
	}
	if _, err := s.AddTo(k, b.ID); !errors.Is(err, ErrBusy) {
		t.Errorf("a second adder: %v", err)
	}
	// What is there stays: other bytes for it are not written.
	over := bytes.Repeat([]byte{1}, 50_000)
	if _, err := w.WriteAt(over, 100_000); err != nil {
		t.Error(err)
	}
	writeAt(w, 90_000, 160_000)
	writeAt(w, 250_000, size)
	more, err := w.Finish()
	if err != nil || len(more.Extents) != 3 {
		t.Fatalf("%+v, %v", more, err)
	}
	put(t, s, k, "more", more)
	o, err := s.Get(k)
	if err != nil {
		t.Fatal(err)
	}
	defer o.Release()
	for _, o := range []*Object{old, o} {
		f, err := o.OpenBody(0)
		if err != nil {
			t.Fatal(err)
		}
		for _, e := range o.Record().Bodies[0].Extents {
			got := make([]byte, e.End-e.Start)
			if err := f.Verify(e.Start, e.End-e.Start); err != nil {
				t.Errorf("%v: %v", e, err)
			}
			if _, err := f.ReadAt(got, e.Start); err != nil || !bytes.Equal(got, data[e.Start:e.End]) {
				t.Errorf("%v: other bytes, %v", e, err)
			}
		}
		if err := f.Verify(0, 100); !errors.Is(err, ErrNotFound) {
			t.Errorf("a hole: %v", err)
		}
		f.Release()
	}
	if w, err = s.AddTo(k, b.ID); err != nil {
		t.Fatal(err)
	}
	writeAt(w, 0, size)
	w.Abort()
	if e, _ := s.index.get(k); e.cost() < size {
		t.Errorf("%d bytes are counted: what was written stays, so it counts", e.cost())
	}
	if w, err = s.AddTo(k, b.ID); err != nil {
		t.Fatal(err)
	}
	writeAt(w, 0, size)
	if b, err = w.Finish(); err != nil || !b.Complete() {
		t.Fatalf("%+v, %v", b, err)
	}
	put(t, s, k, "whole", b)
	want(t, s, k, "whole", data)
	balanced(t, s)
}

func TestMaxExtents(t *testing.T) {
	s := open(t, Options{Dir: t.TempDir()})
	w, err := s.OpenSparse(1 << 20)
	if err != nil {
		t.Fatal(err)
	}
	for i := range int64(MaxExtents) {
		if _, err := w.WriteAt([]byte{1}, 2*i); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := w.WriteAt([]byte{1}, 1<<19); !errors.Is(err, ErrTooLarge) {
		t.Errorf("one more: %v", err)
	}
	if _, err := w.WriteAt([]byte{1}, 1); err != nil {
		t.Errorf("one less: %v", err)
	}
	if _, err := w.WriteAt([]byte{1}, 1<<19); err != nil {
		t.Errorf("then one more: %v", err)
	}
	b, err := w.Finish()
	if err != nil || len(b.Extents) != MaxExtents {
		t.Fatal(len(b.Extents), err)
	}
	put(t, s, key(1), "", b)
	if _, err := s.Get(key(1)); err != nil {
		t.Error(err)
	}
}
