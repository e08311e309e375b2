package coding

import (
	"bytes"
	"io"
	"math/rand/v2"
	"strings"
	"testing"
	"testing/iotest"

	"freshet/internal/field"
)

// What a Writer codes, however it comes, a reader undoes; what is cut off is an
// error, never an end.
func TestReader(t *testing.T) {
	text := []byte(strings.Repeat("a text that repeats itself, with 1234567890 in it; ", 5000))
	noise := make([]byte, 100<<10)
	rng := rand.New(rand.NewPCG(1, 2))
	for i := range noise {
		noise[i] = byte(rng.Uint32())
	}
	for _, c := range []field.Coding{field.Gzip, field.Brotli, field.Zstd} {
		for _, src := range [][]byte{text, noise, []byte("x"), {}} {
			var b bytes.Buffer
			w := NewWriter(&b, c)
			w.Write(src)
			if err := w.Close(); err != nil {
				t.Fatal(err)
			}
			coded := b.Bytes()
			for name, in := range map[string]io.Reader{"whole": bytes.NewReader(coded), "bytewise": iotest.OneByteReader(bytes.NewReader(coded)), "with its end": iotest.DataErrReader(bytes.NewReader(coded))} {
				r, err := NewReader(c, in)
				if err != nil {
					t.Fatal(err)
				}
				got, err := io.ReadAll(r)
				r.Close()
				if err != nil || !bytes.Equal(got, src) {
					t.Errorf("%v, %s: %d bytes of %d, %v", c, name, len(got), len(src), err)
				}
			}
			for _, cut := range []int{0, 1, len(coded) / 2, len(coded) - 1} {
				if cut == len(coded) {
					continue
				}
				r, _ := NewReader(c, bytes.NewReader(coded[:cut]))
				if _, err := io.ReadAll(r); err == nil {
					t.Errorf("%v: %d bytes of %d are taken for all", c, cut, len(coded))
				}
				r.Close()
			}
		}
	}
	if _, err := NewReader(99, nil); err == nil {
		t.Error("a coding that there is not")
	}
}

// What was flushed into a stream comes out before the stream goes on.
func TestReaderFlushed(t *testing.T) {
	for _, c := range []field.Coding{field.Gzip, field.Brotli, field.Zstd} {
		from, to := io.Pipe()
		go func() {
			w := NewWriter(to, c)
			w.Write([]byte("first"))
			w.Flush()
		}()
		r, _ := NewReader(c, from)
		buf := make([]byte, 5)
		if _, err := io.ReadFull(r, buf); err != nil || string(buf) != "first" {
			t.Errorf("%v: %q, %v", c, buf, err)
		}
		from.Close()
		r.Close()
	}
}
