package coding

import (
	"bytes"
	"compress/gzip"
	"errors"
	"io"
	"strings"
	"testing"

	"freshet/internal/field"
)

// Parts and what is between them come out in their order, from one member of
// gzip, and from an encoder that was used before.
func TestWriterPart(t *testing.T) {
	part := NewPart([]byte(strings.Repeat(".banner,", 10000)))
	empty := NewPart(nil)
	for _, c := range []field.Coding{field.Gzip, field.Brotli, field.Zstd} {
		for range 3 {
			var b, want bytes.Buffer
			w := NewPartWriter(&b, c)
			for i, p := range []*Part{part, empty, part, part} {
				text := strings.Repeat("text .banner ", i*100)
				io.WriteString(w, text)
				want.WriteString(text)
				if i == 2 {
					w.Flush()
				}
				if err := w.WritePart(p); err != nil {
					t.Fatal(err)
				}
				want.Write(p.text)
			}
			io.WriteString(w, "the end")
			want.WriteString("the end")
			if err := w.Close(); err != nil {
				t.Fatal(err)
			}
			got, err := Decode(c, b.Bytes(), 1<<30)
			if err != nil || !bytes.Equal(got, want.Bytes()) {
				t.Errorf("%v: %d bytes, want %d, %v", c, len(got), want.Len(), err)
			}
			if c != field.Gzip {
				continue
			}
			z, err := gzip.NewReader(&b) // of somebody else
			if err != nil {
				t.Fatal(err)
			}
			z.Multistream(false)
			if got, err := io.ReadAll(z); err != nil || !bytes.Equal(got, want.Bytes()) || b.Len() != 0 {
				t.Errorf("%d bytes, want %d, %v; %d follow", len(got), want.Len(), err, b.Len())
			}
		}
	}
	if n := part.Size(); n == 0 || n > 2000 {
		t.Errorf("the part takes %d bytes", n)
	}
}

// One that is discarded does not look whole, and a Writer that is not for parts
// takes them all the same.
func TestWriterPartEnds(t *testing.T) {
	part := NewPart([]byte("part"))
	var b bytes.Buffer
	w := NewPartWriter(&b, field.Gzip)
	io.WriteString(w, "a")
	if err := errors.Join(w.WritePart(part), w.Flush()); err != nil {
		t.Fatal(err)
	}
	w.Discard()
	if text, err := Decode(field.Gzip, b.Bytes(), 100); err == nil {
		t.Errorf("%q", text)
	}
	if err := w.WritePart(part); err == nil {
		t.Error("it is closed")
	}
	for _, newWriter := range []func(io.Writer, field.Coding) *Writer{NewWriter, NewPartWriter} {
		b.Reset()
		w = newWriter(&b, field.Gzip)
		if err := errors.Join(w.WritePart(part), w.Close()); err != nil {
			t.Fatal(err)
		}
		if text, err := Decode(field.Gzip, b.Bytes(), 100); string(text) != "part" || err != nil {
			t.Errorf("%q, %v", text, err)
		}
	}
	b.Reset()
	if err := NewPartWriter(&b, field.Gzip).Close(); err != nil {
		t.Fatal(err)
	}
	if text, err := Decode(field.Gzip, b.Bytes(), 100); len(text) != 0 || err != nil {
		t.Errorf("of nothing: %q, %v", text, err)
	}
}

func FuzzWriterPart(f *testing.F) {
	f.Add([]byte("a page with some text, and some text"), []byte(".x{display:none}"), uint8(3))
	f.Fuzz(func(t *testing.T, text, part []byte, steps uint8) {
		p := NewPart(part)
		var b, want bytes.Buffer
		w := NewPartWriter(&b, field.Gzip)
		for step := steps; step > 0; step /= 4 {
			switch step % 4 {
			case 0:
				w.Flush()
			case 1:
				w.WritePart(p)
				want.Write(part)
			default:
				w.Write(text)
				want.Write(text)
			}
		}
		w.Close()
		if got, err := Decode(field.Gzip, b.Bytes(), 1<<20); err != nil || !bytes.Equal(got, want.Bytes()) {
			t.Errorf("%q became %q, %v", want.Bytes(), got, err)
		}
	})
}
