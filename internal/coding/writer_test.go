package coding

import (
	"bytes"
	stdgzip "compress/gzip"
	"errors"
	"io"
	"testing"

	"freshet/internal/alloctest"
	"freshet/internal/field"

	"github.com/andybalholm/brotli"
	"github.com/klauspost/compress/zstd"
)

// decoder returns a streaming decoder.
func decoder(t *testing.T, c field.Coding, r io.Reader) io.Reader {
	t.Helper()
	switch c {
	case field.Gzip:
		z, err := stdgzip.NewReader(r)
		if err != nil {
			t.Fatal(err)
		}
		return z
	case field.Brotli:
		return brotli.NewReader(r)
	default:
		z, err := zstd.NewReader(r, zstd.WithDecoderConcurrency(1), zstd.WithDecoderMaxWindow(8<<20))
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(z.Close)
		return z
	}
}

// What was flushed can be read while the stream is still open.
func TestFlush(t *testing.T) {
	for _, c := range codings {
		t.Run(c.String(), func(t *testing.T) {
			pr, pw := io.Pipe()
			flushed := make(chan error, 1)
			go func() {
				w := NewWriter(pw, c)
				var err error
				for range 3 {
					_, e1 := w.Write([]byte("tick "))
					err = errors.Join(err, e1, w.Flush())
				}
				flushed <- err
				pw.CloseWithError(w.Close())
			}()
			r := decoder(t, c, pr)
			got := make([]byte, 15)
			if _, err := io.ReadFull(r, got); err != nil || string(got) != "tick tick tick " {
				t.Fatalf("%q, %v", got, err)
			}
			if rest, err := io.ReadAll(r); err != nil || len(rest) > 0 {
				t.Fatalf("after the end: %q, %v", rest, err)
			}
			if err := <-flushed; err != nil {
				t.Fatal(err)
			}
		})
	}
}

func TestWriterAfterClose(t *testing.T) {
	for _, c := range codings {
		var b bytes.Buffer
		w := NewWriter(&b, c)
		w.Write([]byte("one"))
		if err := w.Close(); err != nil {
			t.Fatal(err)
		}
		n := b.Len()

		// Somebody else has the encoder now; the old Writer must not reach it.
		var other bytes.Buffer
		w2 := NewWriter(&other, c)
		if _, err := w.Write([]byte("late")); err == nil {
			t.Errorf("%v: a write after Close went through", c)
		}
		if err := w.Flush(); err == nil {
			t.Errorf("%v: a flush after Close went through", c)
		}
		if err := w.Close(); err != nil {
			t.Errorf("%v: second Close: %v", c, err)
		}
		w.Discard()
		w2.Write([]byte("two"))
		if err := w2.Close(); err != nil {
			t.Fatal(err)
		}
		if b.Len() != n {
			t.Errorf("%v: %d bytes came after Close", c, b.Len()-n)
		}
		if got, err := decode(c, other.Bytes()); err != nil || string(got) != "two" {
			t.Errorf("%v: the next stream decodes to %q, %v", c, got, err)
		}
	}
}

func TestDiscardLeavesTheStreamCutOff(t *testing.T) {
	for _, c := range codings {
		var b bytes.Buffer
		w := NewWriter(&b, c)
		w.Write(prose(1000))
		w.Flush()
		w.Discard()
		if _, err := decode(c, b.Bytes()); err == nil {
			t.Errorf("%v: a discarded stream looks whole", c)
		}
	}
}

type failing struct{ after int }

var errFull = errors.New("full")

func (f *failing) Write(p []byte) (int, error) {
	if f.after -= len(p); f.after < 0 {
		return 0, errFull
	}
	return len(p), nil
}

func TestWriterReportsErrors(t *testing.T) {
	for _, c := range codings {
		w := NewWriter(&failing{after: 100}, c)
		var err error
		for range 100 {
			if _, err = w.Write(noise(5000)); err != nil {
				break
			}
		}
		if cerr := w.Close(); !errors.Is(err, errFull) && !errors.Is(cerr, errFull) {
			t.Errorf("%v: Write %v, Close %v", c, err, cerr)
		}
	}
}

func TestNewWriterRefusesIdentity(t *testing.T) {
	defer func() {
		if recover() == nil {
			t.Error("no panic")
		}
	}()
	NewWriter(io.Discard, field.Identity)
}

// After the first, a stream costs little more than the Writer itself.
func TestWriterReusesEncoders(t *testing.T) {
	if raceEnabled {
		t.Skip("sync.Pool drops at random under the race detector")
	}
	src := prose(2000)
	for _, c := range codings {
		n := alloctest.PerRun(50, func() {
			w := NewWriter(io.Discard, c)
			w.Write(src)
			w.Close()
		})
		if n > 10 {
			t.Errorf("%v: %v allocations", c, n)
		}
	}
}

func BenchmarkEncode(b *testing.B) {
	src := prose(20_000)
	buf := make([]byte, 0, 40_000)
	for _, c := range codings {
		for _, effort := range []Effort{Quick, Best} {
			b.Run(c.String()+[]string{"/quick", "/best"}[effort], func(b *testing.B) {
				b.SetBytes(int64(len(src)))
				b.ReportAllocs()
				for b.Loop() {
					Encode(buf, c, src, effort)
				}
			})
		}
	}
}
