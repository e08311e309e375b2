package cache

import (
	"bytes"
	"context"
	"errors"
	"io"
	"math/rand/v2"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

// memoryFile is a spillFile that takes a number of bytes.
type memoryFile struct {
	all     []byte // of the size of its room
	n       int    // written
	holders atomic.Int64
}

func (f *memoryFile) Retain()  { f.holders.Add(1) }
func (f *memoryFile) Release() { f.holders.Add(-1) }

func (f *memoryFile) Write(p []byte) (int, error) {
	n := copy(f.all[f.n:], p)
	f.n += n
	if n < len(p) {
		return n, errors.New("full")
	}
	return n, nil
}

func (f *memoryFile) ReadAt(p []byte, off int64) (int, error) {
	n := copy(p, f.all[min(off, int64(len(f.all))):])
	if n < len(p) {
		return n, io.EOF
	}
	return n, nil
}

// TestGrowing has readers of different speeds, who come at different times and
// from different offsets on, read a body while it is written: in memory, into a
// file, with a file that becomes full, and as a relay.
func TestGrowing(t *testing.T) {
	const size = 2 << 20
	want := []byte(text(size))
	for _, c := range []struct {
		name  string
		bound int64
		room  int // of the file; negative: there is none
		relay bool
	}{
		{"memory", size, -1, false},
		{"file", 100_000, size, false},
		{"file, full at once", 100_000, 0, true},
		{"file, full while what was gathered is moved", 100_000, 70_000, true},
		{"file, full later", 100_000, 1_000_000, true},
		{"relay", 100_000, -1, true},
		{"relay from the start", 0, -1, true},
	} {
		for _, cut := range []bool{false, true} {
			t.Run(c.name, func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) { playGrowing(t, want, c.bound, c.room, c.relay, cut) })
			})
		}
	}
}

func playGrowing(t *testing.T, want []byte, bound int64, room int, relay, cut bool) {
	r := rand.New(rand.NewPCG(uint64(bound), uint64(room)))
	g := &growing{size: -1, bound: bound}
	var file *memoryFile
	g.spill = func() spillFile {
		if room < 0 {
			return nil
		}
		file = &memoryFile{all: make([]byte, room)}
		return file
	}
	ctx := context.Background()
	var done atomic.Int64
	readers := 0
	read := func(off int64, pause time.Duration) {
		src := g.reader(off)
		if src == nil {
			if !relay {
				t.Errorf("no reader from %d on", off)
			}
			return
		}
		readers++
		go func() {
			defer done.Add(1)
			defer src.close()
			at := off
			buf := make([]byte, 10_000)
			for {
				b, err := src.next(ctx, buf)
				if err != nil {
					if cut && err != errTruncated || !cut && (err != io.EOF || at != int64(len(want))) {
						t.Errorf("%v at %d", err, at)
					}
					return
				}
				if !bytes.Equal(b, want[at:][:len(b)]) {
					t.Errorf("wrong bytes at %d", at)
					return
				}
				at += int64(len(b))
				time.Sleep(pause)
			}
		}()
	}
	for i := range 4 {
		read(int64(i*1000), time.Duration(i)*time.Millisecond)
	}
	leaver := g.reader(0) // goes after a while, having read nothing
	go func() {
		time.Sleep(time.Second)
		leaver.close()
	}()
	for rest := want; len(rest) > 0; {
		n := min(1+r.IntN(90_000), len(rest))
		if err := g.write(ctx, rest[:n]); err != nil {
			t.Fatal(err)
		}
		rest = rest[n:]
		if held := len(g.chunks) * chunkSize; relay && g.relay && int64(held) > max(bound+chunkSize, window+2*chunkSize) {
			t.Fatalf("a relay holds %d bytes", held)
		}
		if r.IntN(4) == 0 {
			read(0, 0) // comes late
		}
		if cut && len(rest) < len(want)/2 {
			break
		}
	}
	if cut {
		g.end(errTruncated)
	} else {
		g.end(nil)
	}
	read(0, 0)
	time.Sleep(time.Hour)
	synctest.Wait()
	if int(done.Load()) != readers {
		t.Errorf("%d of %d readers have ended", done.Load(), readers)
	}
	if file != nil && file.holders.Load() != 0 {
		t.Errorf("%d still hold the file", file.holders.Load())
	}
}

// A relay that nobody reads any more ends, and so does one whose request is
// given up.
func TestRelayAlone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := &growing{size: -1}
		src := g.reader(0)
		go func() {
			time.Sleep(time.Second)
			src.close()
		}()
		if err := g.write(context.Background(), make([]byte, 1<<20)); err == nil {
			t.Error("written, though nobody reads")
		}
		g = &growing{size: -1}
		src = g.reader(0)
		defer src.close()
		ctx, cancel := context.WithTimeout(context.Background(), time.Second)
		defer cancel()
		if err := g.write(ctx, make([]byte, 1<<20)); !errors.Is(err, context.DeadlineExceeded) {
			t.Error(err)
		}
	})
}

// No more is written than was declared.
func TestGrowingDeclared(t *testing.T) {
	g := &growing{size: 10, bound: 100}
	if g.write(context.Background(), make([]byte, 10)) != nil || g.write(context.Background(), make([]byte, 1)) == nil {
		t.Error("11 bytes of 10")
	}
}
