package atrest_test

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"testing"

	"freshet/internal/atrest"
	"freshet/internal/wiretest"
)

// written seals by a Writer, in pieces of a size.
func written(t testing.TB, r *atrest.Ring, plain []byte, piece int, what string) []byte {
	t.Helper()
	var to bytes.Buffer
	w := r.NewWriter(&to, what)
	for rest := plain; len(rest) > 0; rest = rest[min(piece, len(rest)):] {
		if n, err := w.Write(rest[:min(piece, len(rest))]); err != nil || n != min(piece, len(rest)) {
			t.Fatal(n, err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := w.Write([]byte("more")); err == nil {
		t.Fatal("a writer that is closed takes more")
	}
	return to.Bytes()
}

// What a Writer makes is what Seal makes: each opens the other's.
func TestWriterIsSeal(t *testing.T) {
	r := ring(t, "a")
	for _, n := range sizes {
		plain := content(uint64(n), n)
		for _, piece := range []int{1 << 20, 65536, 1000} {
			file := written(t, r, plain, piece, "x")
			got, _, err := r.Open(nil, file, "x")
			if err != nil || !bytes.Equal(got, plain) {
				t.Fatalf("%d bytes in pieces of %d: %v", n, piece, err)
			}
			if int64(len(file)) != r.SealedSize(int64(n)) {
				t.Errorf("%d bytes are %d", n, len(file))
			}
		}
	}
}

func TestReader(t *testing.T) {
	r := ring(t, "a")
	chance := rand.New(rand.NewPCG(wiretest.Seed(t), 1))
	for _, n := range sizes {
		plain := content(uint64(n), n)
		file := r.Seal(nil, plain, "x")
		d, err := r.NewReader(bytes.NewReader(file), int64(len(file)), "x")
		if err != nil || d.Size() != int64(n) || d.Key() != "a" {
			t.Fatalf("%d bytes: %v", n, err)
		}
		if size, err := atrest.PlainSize(bytes.NewReader(file), int64(len(file))); err != nil || size != int64(n) {
			t.Errorf("%d bytes: %d, %v", n, size, err)
		}
		all, err := io.ReadAll(io.NewSectionReader(d, 0, d.Size()))
		if err != nil || !bytes.Equal(all, plain) {
			t.Fatalf("%d bytes: %v", n, err)
		}
		for range 50 {
			off, long := chance.IntN(n+2), chance.IntN(70000)
			b := make([]byte, long)
			got, err := d.ReadAt(b, int64(off))
			want := plain[min(off, n):min(off+long, n)]
			if !bytes.Equal(b[:got], want) || (err == nil) != (len(want) == long) || err != nil && err != io.EOF {
				t.Fatalf("%d bytes from %d of %d: %d, %v", long, off, n, got, err)
			}
		}
	}
}

// Nothing but what was sealed is read: not of a file that was cut off, with
// another chunk's bytes in a chunk's place, or with any bit changed.
func TestReaderOfWhatWasChanged(t *testing.T) {
	r := ring(t, "a")
	plain := content(1, 3*65536+100)
	file := r.Seal(nil, plain, "x")
	all := func(file []byte, r *atrest.Ring, what string) error {
		d, err := r.NewReader(bytes.NewReader(file), int64(len(file)), what)
		if err != nil {
			return err
		}
		got, err := io.ReadAll(io.NewSectionReader(d, 0, d.Size()))
		if err == nil && !bytes.Equal(got, plain) {
			t.Errorf("other bytes were read")
		}
		return err
	}
	if err := all(file, r, "x"); err != nil {
		t.Fatal(err)
	}
	for _, cut := range []int{0, 5, 11, 40, 60, len(file) - 1, len(file) - 100, len(file) - 116, len(file) - 117, len(file) - 116 - 65552} {
		if err := all(file[:cut], r, "x"); !errors.Is(err, atrest.ErrDamaged) {
			t.Errorf("cut at %d: %v", cut, err)
		}
	}
	for at := 0; at < len(file); at += 1 + at/64*13 {
		b := bytes.Clone(file)
		b[at] ^= 1
		if err := all(b, r, "x"); err == nil {
			t.Errorf("byte %d changed: nothing is said", at)
		}
	}
	head := len(file) - 100 - 16 - 3*65552
	swapped := bytes.Clone(file)
	copy(swapped[head:], file[head+65552:head+2*65552])
	copy(swapped[head+65552:], file[head:head+65552])
	if err := all(swapped, r, "x"); !errors.Is(err, atrest.ErrDamaged) {
		t.Errorf("swapped: %v", err)
	}
	if err := all(append(bytes.Clone(file), 0), r, "x"); !errors.Is(err, atrest.ErrDamaged) {
		t.Errorf("longer: %v", err)
	}
	if err := all(file, r, "y"); !errors.Is(err, atrest.ErrDamaged) {
		t.Errorf("another place: %v", err)
	}
	if err := all(file, ring(t, "b"), "x"); !errors.Is(err, atrest.ErrNoKey) {
		t.Errorf("another key: %v", err)
	}
	if err := all(file, ring(t, "b", "a"), "x"); err != nil {
		t.Errorf("a key that is not the first any more: %v", err)
	}
}

// Of a file that was not closed its whole chunks are read, and never other bytes.
func TestOpenBeginning(t *testing.T) {
	r := ring(t, "a")
	plain := content(2, 3*65536+100)
	var file bytes.Buffer
	w := r.NewWriter(&file, "x")
	w.Write(plain)
	if w.Flushed() != 3*65536 {
		t.Errorf("%d bytes are in whole chunks", w.Flushed())
	}
	head := file.Len() - 3*65552
	for _, cut := range []int{0, 3, 10, head - 1, head, head + 15, head + 16, head + 17, head + 65551, head + 65552, head + 65553, head + 2*65552, file.Len()} {
		want := max(cut-head, 0) / 65552 * 65536
		var to bytes.Buffer
		n, err := r.OpenBeginning(&to, bytes.NewReader(file.Bytes()[:cut]), "x")
		if err != nil || n != int64(want) || !bytes.Equal(to.Bytes(), plain[:want]) {
			t.Errorf("cut at %d: %d, %v", cut, n, err)
		}
	}
	damaged := bytes.Clone(file.Bytes())
	damaged[head+65552+7] ^= 1
	if n, err := r.OpenBeginning(io.Discard, bytes.NewReader(damaged), "x"); n != 65536 || err != nil {
		t.Errorf("damaged: %d, %v", n, err)
	}
	if n, err := r.OpenBeginning(io.Discard, bytes.NewReader(file.Bytes()), "y"); n != 0 || err != nil {
		t.Errorf("another place: %d, %v", n, err)
	}
	if _, err := ring(t, "b").OpenBeginning(io.Discard, bytes.NewReader(file.Bytes()), "x"); !errors.Is(err, atrest.ErrNoKey) {
		t.Errorf("another key: %v", err)
	}
	if _, _, err := r.Open(nil, file.Bytes(), "x"); err == nil {
		t.Error("a file that was not closed is whole")
	}
}

type failing struct{ after int }

func (f *failing) Write(b []byte) (int, error) {
	if f.after--; f.after < 0 {
		return 0, fmt.Errorf("full")
	}
	return len(b), nil
}

func TestWriterFails(t *testing.T) {
	for after := range 3 {
		w := ring(t, "a").NewWriter(&failing{after}, "x")
		_, err := w.Write(make([]byte, 2*65536+1))
		if err2 := w.Close(); err2 == nil || after < 2 && err == nil {
			t.Errorf("the disk fails at write %d: %v, %v", after, err, err2)
		}
	}
}
