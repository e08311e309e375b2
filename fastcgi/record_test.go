package fastcgi

import (
	"bytes"
	"encoding/binary"
	"strings"
	"testing"

	"freshet/internal/gateway"
)

// parsePairs reads what appendPair wrote.
func parsePairs(t testing.TB, b []byte) (vars []gateway.Var) {
	number := func() int {
		if len(b) > 0 && b[0] < 128 {
			n := int(b[0])
			b = b[1:]
			return n
		}
		if len(b) < 4 {
			t.Fatalf("no length in %q", b)
		}
		n := int(binary.BigEndian.Uint32(b) &^ (1 << 31))
		b = b[4:]
		return n
	}
	for len(b) > 0 {
		name, value := number(), number()
		if len(b) < name+value {
			t.Fatalf("%d octets for a pair of %d and %d", len(b), name, value)
		}
		vars = append(vars, gateway.Var{Name: string(b[:name]), Value: string(b[name : name+value])})
		b = b[name+value:]
	}
	return vars
}

// streamOf joins the records of a PARAMS stream, which must be well formed and
// have its end.
func streamOf(t testing.TB, b []byte) (content []byte) {
	for {
		if len(b) < headerLen {
			t.Fatalf("no header in %q", b)
		}
		n, padding := int(binary.BigEndian.Uint16(b[4:])), int(b[6])
		if b[0] != 1 || b[1] != typeParams || b[2] != 0 || b[3] != 1 || padding != 0 || len(b) < headerLen+n {
			t.Fatalf("header %v before %d octets", b[:headerLen], len(b)-headerLen)
		}
		if n == 0 {
			if len(b) != headerLen {
				t.Fatalf("%d octets behind the end", len(b)-headerLen)
			}
			return content
		}
		content = append(content, b[headerLen:headerLen+n]...)
		b = b[headerLen+n:]
	}
}

func TestParams(t *testing.T) {
	for _, sizes := range [][]int{nil, {0}, {1}, {127}, {128}, {65000}, {fullContent - 6}, {maxContent - 6}, {maxContent - 5}, {maxContent - 4}, {70000}, {65000, 500, 36}, {200000, 3, 90000}} {
		var vars []gateway.Var
		for i, n := range sizes {
			vars = append(vars, gateway.Var{Name: string(rune('A' + i)), Value: strings.Repeat("v", n)})
		}
		before := []byte("before")
		b := appendParams(before, vars)
		if !bytes.HasPrefix(b, before) {
			t.Fatal("what was there is gone")
		}
		got := parsePairs(t, streamOf(t, b[len(before):]))
		if len(got) != len(vars) {
			t.Fatalf("%v: %d pairs", sizes, len(got))
		}
		for i := range got {
			if got[i] != vars[i] {
				t.Errorf("%v: pair %d is %.20q", sizes, i, got[i])
			}
		}
	}
}

// FuzzParams: what is written can be read, in one value or many.
func FuzzParams(f *testing.F) {
	f.Add("NAME", "value", 1)
	f.Add("", "", 3)
	f.Add("LONG", strings.Repeat("x", 3000), 25)
	f.Fuzz(func(t *testing.T, name, value string, times int) {
		if times < 0 || times > 40 {
			t.Skip()
		}
		var vars []gateway.Var
		for range times {
			vars = append(vars, gateway.Var{Name: name, Value: value})
		}
		got := parsePairs(t, streamOf(t, appendParams(nil, vars)))
		if len(got) != len(vars) {
			t.Fatalf("%d pairs became %d", len(vars), len(got))
		}
		for i := range got {
			if got[i] != vars[i] {
				t.Fatalf("%q became %q", vars[i], got[i])
			}
		}
	})
}

// reference takes an answer apart that is there as a whole.
func reference(b []byte) (out, said []byte, ended, bad bool) {
	outEnded := false
	for len(b) >= headerLen && !ended {
		n, padding := int(binary.BigEndian.Uint16(b[4:])), int(b[6])
		if b[0] != 1 || b[2] != 0 || b[3] != 1 {
			return out, said, false, true
		}
		kind := b[1]
		if kind != typeStdout && kind != typeStderr && (kind != typeEnd || n != 8) || kind == typeStdout && outEnded && n > 0 {
			return out, said, false, true
		}
		outEnded = outEnded || kind == typeStdout && n == 0
		b = b[headerLen:]
		content := b[:min(n, len(b))]
		switch kind {
		case typeStdout:
			out = append(out, content...)
		case typeStderr:
			said = append(said, content...)
		case typeEnd:
			ended = len(content) == 8
		}
		b = b[min(n+padding, len(b)):]
	}
	return out, said, ended, false
}

// FuzzRecord: an answer in whatever pieces is what it is as a whole.
func FuzzRecord(f *testing.F) {
	f.Add([]byte("\x01\x06\x00\x01\x00\x04\x02\x00text\x00\x00\x01\x07\x00\x01\x00\x01\x00\x00!\x01\x03\x00\x01\x00\x08\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00"), uint8(3))
	f.Add([]byte("\x01\x06\x00\x01\x00\x00\x00\x00\x01\x06\x00\x01\x00\x01\x00\x00x"), uint8(1))
	f.Add([]byte("HTTP/1.1 200 OK\r\n"), uint8(5))
	f.Add([]byte("\x01\x03\x00\x01\x00\x08\x03\x00\x00\x00\x00\x01\x02\x00\x00\x00pad!"), uint8(2))
	f.Fuzz(func(t *testing.T, b []byte, size uint8) {
		out, said, ended, bad := reference(b)
		var gotOut, gotSaid []byte
		d := demux{stderr: func(p []byte) { gotSaid = append(gotSaid, p...) }}
		var err error
		for rest := bytes.Clone(b); len(rest) > 0 && err == nil; {
			piece := rest[:min(int(size)+1, len(rest))]
			rest = rest[len(piece):]
			var n int
			n, err = d.feed(piece)
			gotOut = append(gotOut, piece[:n]...)
		}
		if !bytes.Equal(gotOut, out) || !bytes.Equal(gotSaid, said) || d.ended != ended || (err != nil) != bad {
			t.Fatalf("in pieces of %d: %q, %q, ended %v, error %v; as a whole %q, %q, ended %v, bad %v", int(size)+1, gotOut, gotSaid, d.ended, err, out, said, ended, bad)
		}
	})
}
