package coding

import (
	"bytes"
	stdgzip "compress/gzip"
	"encoding/binary"
	"fmt"
	"io"
	"maps"
	"math/rand/v2"
	"strings"
	"sync"
	"testing"

	"freshet/internal/alloctest"
	"freshet/internal/field"

	"github.com/andybalholm/brotli"
	"github.com/klauspost/compress/zstd"
)

var codings = []field.Coding{field.Gzip, field.Brotli, field.Zstd}

// decode undoes a coding with a decoder that is none of ours. The zstd decoder
// refuses windows above the 8 MiB of RFC 9659.
func decode(c field.Coding, b []byte) ([]byte, error) {
	r := bytes.NewReader(b)
	switch c {
	case field.Gzip:
		z, err := stdgzip.NewReader(r)
		if err != nil {
			return nil, err
		}
		return io.ReadAll(z)
	case field.Brotli:
		return io.ReadAll(brotli.NewReader(r))
	case field.Zstd:
		z, err := zstd.NewReader(r, zstd.WithDecoderMaxWindow(8<<20), zstd.WithDecoderConcurrency(1))
		if err != nil {
			return nil, err
		}
		defer z.Close()
		return io.ReadAll(z)
	}
	return b, nil
}

// prose makes n bytes that compress about as well as a script does.
func prose(n int) []byte {
	r := rand.New(rand.NewPCG(1, 2))
	words := strings.Fields("function return const let of the server response field value entity tag modified cache control range bytes")
	var b bytes.Buffer
	for b.Len() < n {
		fmt.Fprintf(&b, "%s %d ", words[r.IntN(len(words))], r.IntN(1000))
	}
	return b.Bytes()[:n]
}

func noise(n int) []byte {
	b := make([]byte, n)
	r := rand.New(rand.NewPCG(3, 4))
	for i := 0; i+8 <= n; i += 8 {
		binary.LittleEndian.PutUint64(b[i:], r.Uint64())
	}
	return b
}

func sources() map[string][]byte {
	return map[string][]byte{
		"empty":      nil,
		"one byte":   []byte("x"),
		"small":      prose(300),
		"script":     prose(20_000),
		"over 11":    prose(brotliBestBytes + 1),
		"over 1 MiB": prose(1<<20 + 100),
		"noise":      noise(5000),
		"zeros":      make([]byte, 100_000),
	}
}

func TestEncodeRoundTrip(t *testing.T) {
	for name, src := range sources() {
		if raceEnabled && len(src) > brotliBestBytes {
			continue
		}
		for _, c := range codings {
			for _, effort := range []Effort{Quick, Best} {
				t.Run(fmt.Sprintf("%s/%v/%d", name, c, effort), func(t *testing.T) {
					head := []byte("kept ")
					out, err := Encode(head, c, src, effort)
					if err != nil {
						t.Fatal(err)
					}
					enc, ok := bytes.CutPrefix(out, []byte("kept "))
					if !ok {
						t.Fatal("what dst had is gone")
					}
					got, err := decode(c, enc)
					if err != nil || !bytes.Equal(got, src) {
						t.Fatalf("decoded %d bytes of %d, %v", len(got), len(src), err)
					}
					if name == "script" && !Worth(len(src), len(enc)) {
						t.Errorf("a script of %d bytes became %d", len(src), len(enc))
					}
					if name == "noise" && Worth(len(src), len(enc)) {
						t.Errorf("noise of %d bytes became %d", len(src), len(enc))
					}
				})
			}
		}
	}
	if got, err := Encode(nil, field.Identity, []byte("abc"), Best); err != nil || string(got) != "abc" {
		t.Errorf("identity: %q, %v", got, err)
	}
	if _, err := Encode(nil, field.NumCodings, []byte("abc"), Quick); err == nil {
		t.Error("an unknown coding was made")
	}
}

// Encoders are reused, and what they coded before must not show.
func TestEncodeIsDeterministic(t *testing.T) {
	srcs := sources()
	if raceEnabled { // which makes the slowest encoders ten times slower
		maps.DeleteFunc(srcs, func(_ string, src []byte) bool { return len(src) > 10_000 })
		srcs["script"] = prose(10_000)
	}
	type key struct {
		name   string
		c      field.Coding
		effort Effort
	}
	first := map[key][]byte{}
	for round := range 3 {
		for name, src := range srcs { // in another order each time
			if len(src) > 300_000 && round == 2 {
				continue
			}
			for _, c := range codings {
				for _, effort := range []Effort{Quick, Best} {
					k := key{name, c, effort}
					out, err := Encode(nil, c, src, effort)
					if err != nil {
						t.Fatal(err)
					}
					if first[k] == nil {
						first[k] = out
					} else if !bytes.Equal(first[k], out) {
						t.Errorf("%v: %d bytes, then %d other ones", k, len(first[k]), len(out))
					}
				}
			}
		}
	}
	// A new encoder agrees with a used one.
	for _, c := range codings {
		e := poolOf(c, Quick, 0).New().(encoder)
		var b bytes.Buffer
		e.Reset(&b)
		e.Write(srcs["script"])
		e.Close()
		var w bytes.Buffer
		z := NewWriter(&w, c)
		z.Write(srcs["script"])
		z.Close()
		if !bytes.Equal(b.Bytes(), w.Bytes()) {
			t.Errorf("%v: a used encoder and a new one differ", c)
		}
	}
}

func TestGzipHasNoNameAndNoTime(t *testing.T) {
	for _, effort := range []Effort{Quick, Best} {
		b, err := Encode(nil, field.Gzip, prose(500), effort)
		if err != nil {
			t.Fatal(err)
		}
		// RFC 1952 §2.3: FLG, then four bytes of MTIME.
		if b[3] != 0 || !bytes.Equal(b[4:8], []byte{0, 0, 0, 0}) {
			t.Errorf("flags %#x, time %x", b[3], b[4:8])
		}
	}
}

func TestEncodeAtOnce(t *testing.T) {
	src := prose(8_000)
	var wg sync.WaitGroup
	for i := range 12 {
		wg.Go(func() {
			c, effort := codings[i%3], Effort(i/3%2)
			for range 3 {
				enc, err := Encode(nil, c, src, effort)
				if err != nil {
					t.Error(err)
					return
				}
				if got, err := decode(c, enc); err != nil || !bytes.Equal(got, src) {
					t.Errorf("%v: %d bytes, %v", c, len(got), err)
				}
			}
		})
	}
	wg.Wait()
}

// A cut-off body must not look whole.
func TestTruncatedIsNoticed(t *testing.T) {
	src := prose(3000)
	for _, c := range codings {
		enc, err := Encode(nil, c, src, Quick)
		if err != nil {
			t.Fatal(err)
		}
		for n := range len(enc) {
			if got, err := decode(c, enc[:n]); err == nil && (n > 0 || len(got) > 0) {
				t.Errorf("%v cut to %d of %d bytes decodes to %d bytes", c, n, len(enc), len(got))
			}
		}
	}
}

func TestWorth(t *testing.T) {
	for _, tc := range []struct {
		src, enc int
		want     bool
	}{
		{0, 0, false},
		{300, 260, false},
		{300, 252, true},
		{300, 253, false},
		{100_000, 95_000, true},
		{100_000, 95_001, false},
		{100_000, 100_010, false},
	} {
		if got := Worth(tc.src, tc.enc); got != tc.want {
			t.Errorf("Worth(%d, %d) = %v", tc.src, tc.enc, got)
		}
	}
}

func TestSidecar(t *testing.T) {
	for c, want := range map[field.Coding]string{field.Identity: "", field.Gzip: ".gz", field.Brotli: ".br", field.Zstd: ".zst"} {
		if got := Sidecar(c); got != want {
			t.Errorf("Sidecar(%v) = %q", c, got)
		}
		if c != field.Identity != All.Has(c) {
			t.Errorf("All.Has(%v) is wrong", c)
		}
	}
}

func TestQuickReusesEncoders(t *testing.T) {
	src := prose(2000)
	buf := make([]byte, 0, 4096)
	for _, c := range codings {
		n := alloctest.PerRun(50, func() {
			if _, err := Encode(buf, c, src, Quick); err != nil {
				t.Fatal(err)
			}
		})
		// The sink, and what brotli makes for each block. A new encoder would
		// be hundreds, and a MiB.
		if n > 10 && !raceEnabled {
			t.Errorf("%v: %v allocations", c, n)
		}
	}
}

func FuzzRoundTrip(f *testing.F) {
	f.Add([]byte(""), uint8(0), 1)
	f.Add([]byte("hello, hello, hello"), uint8(1), 3)
	f.Add(prose(700), uint8(2), 100)
	f.Add(noise(200), uint8(5), 7)
	f.Add(make([]byte, 4000), uint8(4), 512)
	f.Fuzz(func(t *testing.T, src []byte, kind uint8, step int) {
		c, effort := codings[kind%3], Effort(kind/3%2)
		enc, err := Encode(nil, c, src, effort)
		if err != nil {
			t.Fatal(err)
		}
		got, err := decode(c, enc)
		if err != nil || !bytes.Equal(got, src) {
			t.Fatalf("%v: whole: %d bytes of %d, %v", c, len(got), len(src), err)
		}

		// The same in pieces, flushed in between.
		var b bytes.Buffer
		w := NewWriter(&b, c)
		step = max(step&1023, len(src)/16+1)
		for p := src; len(p) > 0; {
			n := min(step, len(p))
			if m, err := w.Write(p[:n]); m != n || err != nil {
				t.Fatal(m, err)
			}
			if p = p[n:]; n&1 == 0 {
				if err := w.Flush(); err != nil {
					t.Fatal(err)
				}
			}
		}
		if err := w.Close(); err != nil {
			t.Fatal(err)
		}
		got, err = decode(c, b.Bytes())
		if err != nil || !bytes.Equal(got, src) {
			t.Fatalf("%v: in pieces: %d bytes of %d, %v", c, len(got), len(src), err)
		}
	})
}
