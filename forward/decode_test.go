package forward

import (
	"bytes"
	"testing"

	"freshet/internal/coding"
	"freshet/internal/field"
)

// FuzzDecoder: what is written in pieces of any size becomes what it becomes as
// a whole, or fails where that fails.
func FuzzDecoder(f *testing.F) {
	for _, c := range []field.Coding{field.Gzip, field.Brotli, field.Zstd} {
		for _, text := range []string{"", "x", "<!doctype html><p>a page", string(bytes.Repeat([]byte("again "), 20000))} {
			b, err := coding.Encode(nil, c, []byte(text), coding.Quick)
			if err != nil {
				f.Fatal(err)
			}
			f.Add(uint8(c), b, uint16(1))
			f.Add(uint8(c), b, uint16(4096))
			if len(b) > 1 {
				f.Add(uint8(c), b[:len(b)-1], uint16(3))
				f.Add(uint8(c), append(bytes.Clone(b), "more"...), uint16(7))
			}
		}
	}
	names := map[field.Coding]string{field.Gzip: "gzip", field.Brotli: "br", field.Zstd: "zstd"}
	f.Fuzz(func(t *testing.T, c uint8, src []byte, size uint16) {
		name, ok := names[field.Coding(c)]
		if !ok || len(src) > 1<<20 {
			return
		}
		want, wantErr := coding.Decode(field.Coding(c), src, 4<<20)
		var out bytes.Buffer
		d, err := newDecoder(&out, name)
		if err != nil {
			t.Fatal(err)
		}
		defer d.drop()
		for rest := src; len(rest) > 0 && err == nil; {
			n := min(len(rest), int(size)+1)
			_, err = d.Write(rest[:n])
			rest = rest[n:]
		}
		if err == nil {
			err = d.Close()
		}
		switch {
		case wantErr == nil && (err != nil || !bytes.Equal(out.Bytes(), want)):
			t.Errorf("%s in pieces of %d: %d bytes and %v, whole %d", name, int(size)+1, out.Len(), err, len(want))
		case wantErr != nil && err == nil && out.Len() <= 4<<20:
			t.Errorf("%s in pieces of %d: it is taken, and whole %v", name, int(size)+1, wantErr)
		}
	})
}

// What is given up early leaves nothing behind.
func TestDecoderDropped(t *testing.T) {
	b, err := coding.Encode(nil, field.Zstd, bytes.Repeat([]byte("text"), 1000), coding.Quick)
	if err != nil {
		t.Fatal(err)
	}
	for _, n := range []int{0, 1, len(b) / 2, len(b)} {
		var out bytes.Buffer
		d, err := newDecoder(&out, "zstd")
		if err != nil {
			t.Fatal(err)
		}
		if n > 0 {
			if _, err := d.Write(b[:n]); err != nil {
				t.Fatal(err)
			}
		}
		d.drop()
		d.drop()
	}
	if _, err := newDecoder(nil, "compress"); err == nil {
		t.Error("a coding that there is not")
	}
}
