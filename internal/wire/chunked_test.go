package wire

import (
	"bytes"
	"net/http/httputil"
	"strings"
	"testing"

	"freshet/internal/rule"
)

// decode runs d over in, in portions of step octets, and returns the body, how
// much of in it took, and how it ended.
func decode(d *Chunked, in string, step int) (body string, n int, done bool, broken rule.ID) {
	var data []byte
	for n < len(in) {
		src := in[n:min(n+step, len(in))]
		b, took, end, fault := d.Decode([]byte(src))
		data = append(data, b...)
		n += took
		if end || fault != 0 {
			return string(data), n, end, fault
		}
		if took == 0 {
			break
		}
	}
	return string(data), n, false, 0
}

func TestChunked(t *testing.T) {
	for _, c := range []struct{ in, body, rest string }{
		{"0\r\n\r\n", "", ""},
		{"5\r\nhello\r\n0\r\n\r\nGET /", "hello", "GET /"},
		{"5\r\nhello\r\n1\r\n \r\n00000\r\n\r\n", "hello ", ""},
		{"A\r\n0123456789\r\n0\r\n\r\n", "0123456789", ""},
		{"000000000000000a\r\n01234\r\n789\r\n0\r\n\r\n", "01234\r\n789", ""},
		{"1;a\r\nx\r\n0\r\n\r\n", "x", ""},
		{"1;a=b;c;d=\"e\"\r\nx\r\n0;z\r\n\r\n", "x", ""},
		{"1;a=\"\\\"; \t\xff\\\\\"\r\nx\r\n0\r\n\r\n", "x", ""},
		{"1;" + strings.Repeat("a", maxChunkExtension-1) + "\r\nx\r\n0\r\n\r\n", "x", ""},
		{"0\r\nA: b\r\n\r\n\r\n", "", "\r\n"},
	} {
		for step := 1; step <= len(c.in); step++ {
			var d Chunked
			body, n, done, broken := decode(&d, c.in, step)
			if body != c.body || c.in[n:] != c.rest || !done || broken != 0 {
				t.Errorf("%.80q in portions of %d: %q, rest %q, done %v, %v", c.in, step, body, c.in[n:], done, broken)
			}
		}
	}
}

func TestChunkedRefused(t *testing.T) {
	for _, c := range []struct {
		in   string
		want rule.ID
	}{
		{"\r\n", rule.ChunkSize},
		{";a\r\n", rule.ChunkSize},
		{"g\r\n", rule.ChunkSize},
		{"0x5\r\n", rule.ChunkSize},
		{"+5\r\n", rule.ChunkSize},
		{"-5\r\n", rule.ChunkSize},
		{" 5\r\n", rule.ChunkSize},
		{"5 \r\n", rule.ChunkSize},
		{"5\t\r\n", rule.ChunkSize},
		{"5 ;a\r\n", rule.ChunkSize},
		{"5_0\r\n", rule.ChunkSize},
		{"00000000000000005\r\n", rule.ChunkSize},
		{"8000000000000000\r\n", rule.ChunkSize},
		{"ffffffffffffffff\r\n", rule.ChunkSize},
		{"10000000000000005\r\n", rule.ChunkSize},
		{"5\nhello", rule.ChunkLine},
		{"5\rhello", rule.ChunkLine},
		{"5;a\nhello", rule.ChunkLine},
		{"5\r\r\n", rule.ChunkLine},
		{"5;\r\n", rule.ChunkExtension},
		{"5;;a\r\n", rule.ChunkExtension},
		{"5;=b\r\n", rule.ChunkExtension},
		{"5; a\r\n", rule.ChunkExtension},
		{"5;a \r\n", rule.ChunkExtension},
		{"5;a =b\r\n", rule.ChunkExtension},
		{"5;a= b\r\n", rule.ChunkExtension},
		{"5;a=\r\n", rule.ChunkExtension},
		{"5;a=b;\r\n", rule.ChunkExtension},
		{"5;a=;b\r\n", rule.ChunkExtension},
		{"5;a=b=c\r\n", rule.ChunkExtension},
		{"5;a=\"b\r\n", rule.ChunkExtension},
		{"5;a=\"b\n\"\r\n", rule.ChunkExtension},
		{"5;a=\"\x00\"\r\n", rule.ChunkExtension},
		{"5;a=\"\\\n\"\r\n", rule.ChunkExtension},
		{"5;a=\"b\"c\r\n", rule.ChunkExtension},
		{"5;a=b\"c\"\r\n", rule.ChunkExtension},
		{"5;a\x00\r\n", rule.ChunkExtension},
		{"5;" + strings.Repeat("a", maxChunkExtension) + "\r\n", rule.ChunkExtension},
		{strings.Repeat("1;aaaaaaaaaaaaaaa\r\nx\r\n", 513), rule.ChunkExtension},
		{"5\r\nhello0\r\n", rule.ChunkEnd},
		{"5\r\nhello\n0\r\n", rule.ChunkEnd},
		{"5\r\nhello\r0\r\n", rule.ChunkEnd},
		{"4\r\nhello\r\n0\r\n", rule.ChunkEnd},
		{"0\r\n\n", rule.TrailerInvalid},
		{"0\r\n\rX\n", rule.TrailerInvalid},
		{"0\r\nA: b\n\r\n", rule.TrailerInvalid},
		{"0\r\nA : b\r\n", rule.TrailerInvalid},
		{"0\r\nA\r\n", rule.TrailerInvalid},
		{"0\r\n A: b\r\n", rule.TrailerInvalid},
		{"0\r\nA: b\r\n c\r\n\r\n", rule.TrailerInvalid},
		{"0\r\nA: \x00\r\n", rule.TrailerInvalid},
		{"0\r\nGET / HTTP/1.1\r\nHost: h\r\n\r\n", rule.TrailerInvalid},
		{"0\r\ncontent-length: 5\r\n\r\n", rule.TrailerInvalid},
		{"0\r\nTransfer-Encoding: chunked\r\n\r\n", rule.TrailerInvalid},
		{"0\r\nHost: h\r\n\r\n", rule.TrailerInvalid},
		{"0\r\nTrailer: a\r\n\r\n", rule.TrailerInvalid},
		{"0\r\n" + strings.Repeat("A: b\r\n", 129), rule.TrailerInvalid},
		{"0\r\nA: " + strings.Repeat("b", 32<<10), rule.TrailerInvalid},
		{"0\r\n" + strings.Repeat("a", 32<<10), rule.TrailerInvalid},
	} {
		for _, step := range []int{1, 7, len(c.in)} {
			var d Chunked
			if _, _, done, broken := decode(&d, c.in, step); done || broken != c.want {
				t.Errorf("%.60q in portions of %d: done %v, %v, want %v", c.in, step, done, broken, c.want)
			}
		}
	}
}

func TestTrailer(t *testing.T) {
	// What limits forgive in a head they do not forgive in a trailer.
	lenient := &Limits{LenientLF: true, LenientFold: true, MaxFields: 8, MaxHeadBytes: 256}
	d := Chunked{Limits: lenient}
	if _, _, _, broken := decode(&d, "0\r\nA: b\n\n", 100); broken != rule.TrailerInvalid {
		t.Errorf("bare LF: %v", broken)
	}
	d.Reset()
	if _, _, _, broken := decode(&d, "0\r\nA: b\r\n c\r\n\r\n", 100); broken != rule.TrailerInvalid {
		t.Errorf("obs-fold: %v", broken)
	}
	d.Reset()
	if _, _, _, broken := decode(&d, "0\r\n"+strings.Repeat("A:\r\n", 9)+"\r\n", 100); broken != rule.TrailerInvalid {
		t.Errorf("nine fields: %v", broken)
	}

	d.Reset()
	src := []byte("0\r\nX-Sum: 1\r\ncookie: c\r\nSet-Cookie: d\r\nX-sum:\t2 \r\nMAX-FORWARDS: 3\r\nETag: \"e\"\r\n\r\nrest")
	_, n, done, broken := d.Decode(src)
	if !done || broken != 0 || string(src[n:]) != "rest" {
		t.Fatalf("rest %q, done %v, %v", src[n:], done, broken)
	}
	clear(src)
	want := []Field{{"X-Sum", "1", None}, {"X-sum", "2", None}, {"ETag", "\"e\"", None}}
	if len(d.Trailer) != len(want) {
		t.Fatalf("%+v", d.Trailer)
	}
	for i, f := range d.Trailer {
		if f != want[i] {
			t.Errorf("field %d: %+v, want %+v", i, f, want[i])
		}
	}

	kept := d.Trailer
	d.Reset()
	if _, _, done, _ := decode(&d, "0\r\n\r\n", 100); !done || d.Trailer != nil || kept[0].Value != "1" || d.Limits != lenient {
		t.Errorf("after Reset: %+v, kept %+v", d, kept)
	}
}

func TestAppendChunkHead(t *testing.T) {
	for size, want := range map[int]string{
		0: "0\r\n", 1: "1\r\n", 15: "f\r\n", 16: "10\r\n", 4096: "1000\r\n", 1<<63 - 1: "7fffffffffffffff\r\n",
	} {
		if got := string(AppendChunkHead(nil, size)); got != want {
			t.Errorf("%d: %q, want %q", size, got, want)
		}
	}
	// What the standard library writes we read, and with our heads too.
	var std, own bytes.Buffer
	w := httputil.NewChunkedWriter(&std)
	for n := 1; n < 5000; n += 321 {
		data := bytes.Repeat([]byte("x"), n)
		w.Write(data)
		own.Write(AppendChunkHead(nil, n))
		own.Write(data)
		own.WriteString("\r\n")
	}
	w.Close()
	own.WriteString("0\r\n")
	if !bytes.Equal(std.Bytes(), own.Bytes()) {
		t.Error("chunks differ from net/http/httputil's")
	}
}

// Data that is taken past the decoder is as good as decoded.
func TestChunkedTook(t *testing.T) {
	var d Chunked
	if d.Left() != 0 {
		t.Error(d.Left())
	}
	if _, n, _, broken := d.Decode([]byte("a\r\n01")); n != 3 && n != 5 || broken != 0 {
		t.Fatal(n, broken)
	}
	if d.Left() != 8 {
		t.Fatal(d.Left())
	}
	d.Took(0)
	d.Took(5)
	if d.Left() != 3 {
		t.Error(d.Left())
	}
	d.Took(3)
	if d.Left() != 0 {
		t.Error(d.Left())
	}
	if body, n, done, broken := d.Decode([]byte("\r\n0\r\n\r\n")); len(body) != 0 || n != 7 || !done || broken != 0 {
		t.Error(string(body), n, done, broken)
	}
}
