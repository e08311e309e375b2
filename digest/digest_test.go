package digest

import (
	"bytes"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"

	"freshet/internal/alloctest"
)

const (
	jsonText = "{\"hello\": \"world\"}\n"
	// brotli is jsonText coded, with the digests of appendices B.4 and B.6. The
	// RFC prints its first two bytes as 8b 08; those are of other settings, and
	// have other digests.
	brotli = "0b0980 7b2268656c6c6f223a2022776f726c64227d0a03"
)

// TestVectors: the digests that RFC 9530 states, in appendices B to D, of the
// bytes that it states them of.
func TestVectors(t *testing.T) {
	coded, err := hex.DecodeString(strings.ReplaceAll(brotli, " ", ""))
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct{ where, content, field string }{
		{"B.1", jsonText, "sha-256=:RK/0qy18MlBSVnWgjwz6lZEWjP/lF5HF9bvEF8FabDg=:"},
		{"B.2", "", "sha-256=:47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=:"},
		{"B.3", jsonText[10:19], "sha-256=:jjcgBDWNAtbYUXI37CVG3gRuGOAjaaDRGpIUFsdyepQ=:"},
		{"B.4", string(coded), "sha-256=:d435Qo+nKZ+gLcUHn7GQtQ72hiBVAgqoLsZnZPiTGPk=:"},
		{"B.5, padded once too often", jsonText, "sha-256=:RK/0qy18MlBSVnWgjwz6lZEWjP/lF5HF9bvEF8FabDg==:"},
		{"B.6", string(coded), "sha-256=:d435Qo+nKZ+gLcUHn7GQtQ72hiBVAgqoLsZnZPiTGPk=:,sha-512=:db7fdBbgZMgX1Wb2MjA8zZj+rSNgfmDCEEXM8qLWfpfoNY0sCpHAzZbj09X1/7HAb7Od5Qfto4QpuBsFbUO3dQ==:"},
		{"B.7", "{\"title\": \"New Title\"}\n", "sha-256=:mEkdbO7Srd9LIOegftO0aBX+VPTVz7/CSHes2Z27gc4=:"},
		{"B.7", "{\n  \"id\": \"123\",\n  \"title\": \"New Title\"\n}\n", "sha-256=:uVSlinTTdQUwm2On4k8TJUikGN1bf/Ds8WPX4oe0h9I=:"},
		{"B.8", "{\n  \"status\": \"created\",\n  \"id\": \"123\",\n  \"ts\": 1569327729,\n  \"instance\": \"/books/123\"\n}\n", "sha-256=:yXIGDTN5VrfoyisKlXgRKUHHMs35SNtyC3szSz1dbO8=:"},
		{"B.10", "{\n  \"title\": \"Not Found\",\n  \"detail\": \"Cannot PATCH a non-existent resource\",\n  \"status\": 404\n}\n", "sha-256=:EXB0S2VF2H7ijkAVJkH1Sm0pBho0iDZcvVUHHXTTZSA=:"},
		{"C.2", jsonText, "sha-512=:YMAam51Jz/jOATT6/zvHrLVgOYTGFy1d6GJiOHTohq4yP+pgk4vf2aCsyRZOtw8MjkM7iw7yZ/WkppmM44T3qg==:"},
		{"D", jsonText[:18], "sha-512=:WZDPaVn/7XgHaAy8pmojAkGWoRx2UFChF41A2svX+TaPm+AbwAgBWnrIiYllu7BNNyealdVLvRwEmTHWXvJwew==:"},
		{"D", jsonText[:18], "sha-256=:X48E9qOokqqrvdts8nOJRJN3OWDUoyWxBf7kbu9DBPE=:"},
	} {
		f, err := Parse([]string{c.field})
		if err != nil || len(f.Digests) != strings.Count(c.field, "sha-") || len(f.Ignored) > 0 {
			t.Errorf("%s: %v, %v", c.where, f, err)
			continue
		}
		for _, d := range f.Digests {
			if got := Of(d.Algorithm, []byte(c.content)); got != d {
				t.Errorf("%s: %v, want %v", c.where, got, d)
			}
		}
		var check Checker
		check.Add("it", f.Digests...)
		io.Copy(&check, io.MultiReader(strings.NewReader(c.content))) // whatever the pieces
		if v := check.Verdict(); v.Outcome != Right {
			t.Errorf("%s: %v", c.where, v.Err())
		}
	}
}

func TestParse(t *testing.T) {
	const whole = "sha-256=:X48E9qOokqqrvdts8nOJRJN3OWDUoyWxBf7kbu9DBPE=:"
	for in, want := range map[string]string{
		"":                         "",
		whole:                      whole,
		" " + whole + " ":          whole,
		whole + ";x=1":             whole,
		whole + "|sha-512=:AAAA:":  whole + ", sha-512=:AAAA:",
		"sha-256=:AAAA:, " + whole: whole, // the last counts
		"sha-256=::":               "sha-256=::",
		"sha-256=:" + strings.Repeat("AAAA", 30) + ":": "sha-256=::",
		"md5=:Sd/dVLAcvNLSq16eXua5uQ==:":               "! digest algorithm md5 protects from no forger; use sha-256",
		"sha=:07CavjDP4u3/TungoUHJO/Wzr4c=:, " + whole: whole + "! digest algorithm sha protects from no forger; use sha-256",
		"unixsum=:GQU=:, unixcksum=:7zsHAA==:":         "! digest algorithm unixsum protects from no forger; use sha-256! digest algorithm unixcksum protects from no forger; use sha-256",
		"adler=:OZkGFw==:, crc32c=:Q3lHIA==:":          "! digest algorithm adler protects from no forger; use sha-256! digest algorithm crc32c protects from no forger; use sha-256",
		"sha-1=:AAAA:":                                 "! digest algorithm sha-1 is not known; use sha-256 or sha-512",
		"sha-256":                                      "! digest: sha-256 is not a sequence of bytes",
		"sha-256=abc":                                  "! digest: sha-256 is not a sequence of bytes",
		"sha-256=(:AAAA:)":                             "! digest: sha-256 is not a sequence of bytes",
		"sha-256=:A:":                                  "! digest: sha-256 is not a sequence of bytes",
		"SHA-256=:AAAA:":                               "malformed",
		"SHA-256=X48E9qOokqqrvdts":                     "malformed",
		"sha-256=:AA":                                  "malformed",
		whole + ",":                                    "malformed",
	} {
		f, err := Parse(strings.Split(in, "|"))
		got := string(Append(nil, f.Digests...))
		for _, e := range f.Ignored {
			got += "! " + e.Error()
		}
		if err != nil {
			got = "malformed"
		}
		if got != want {
			t.Errorf("%q: %s, want %s", in, got, want)
		}
	}
}

func TestNamed(t *testing.T) {
	for _, name := range broken {
		var e *NameError
		if a, err := Named(name); a != None || !errors.As(err, &e) || e.Successor != "sha-256" {
			t.Errorf("%s: %v, %v", name, a, err)
		}
	}
	for a := SHA256; a < algorithms; a++ {
		if got, err := Named(a.String()); got != a || err != nil || a.New().Size() != a.Size() {
			t.Errorf("%v: %v, %v", a, got, err)
		}
	}
	if None.New() != nil || None.String() != "" || None.Size() != 0 {
		t.Error("None is something")
	}
}

func TestWant(t *testing.T) {
	for in, want := range map[string]Algorithm{
		"":                                      None,
		"sha-256=1":                             SHA256,
		"sha-512=3, sha-256=10, unixsum=0":      SHA256, // RFC 9530 §4
		"sha-512=10, sha-256=3":                 SHA512,
		"sha-256=5, sha-512=5":                  SHA256,
		"sha-512=5, sha-256=5":                  SHA256,
		"sha-256=3, sha=10":                     SHA256, // C.1
		"sha=10":                                None,   // C.2: what it is may be left out
		"sha-256=0":                             None,
		"sha-256=0, sha-512=1":                  SHA512,
		"sha-256=11, sha-512=1":                 SHA512,
		"sha-256=-1":                            None,
		"sha-256=1.0":                           None,
		"sha-256":                               None,
		"sha-256=1;q=0.5":                       SHA256,
		"sha-256=1|sha-512=2":                   SHA512,
		"sha-256=10,":                           None,
		"sha-256=99999999999999999":             None,
		string(AppendWant(nil, SHA512, SHA256)): SHA512,
	} {
		if got := ParseWant(strings.Split(in, "|")).Choose(); got != want {
			t.Errorf("%q: %q, want %q", in, got, want)
		}
	}
	if got := ParseWant([]string{"sha-256=1, sha-512=9"}).Choose(SHA256); got != SHA256 {
		t.Errorf("of what can be had: %q", got)
	}
	if got := string(AppendWant(nil, SHA256, SHA512)); got != "sha-256=10, sha-512=9" {
		t.Error(got)
	}
}

func TestApplies(t *testing.T) {
	for _, c := range []struct {
		method        string
		status        int
		content, repr bool
	}{
		{"GET", 200, true, true},
		{"GET", 206, true, false},
		{"GET", 304, false, false},
		{"GET", 404, true, true},
		{"HEAD", 200, false, false},
		{"PUT", 200, true, false},
		{"PUT", 204, false, false},
		{"GET", 103, false, false},
		{"CONNECT", 200, false, false},
		{"CONNECT", 503, true, false},
	} {
		if content, repr := Applies(c.method, c.status); content != c.content || repr != c.repr {
			t.Errorf("%s %d: %v, %v", c.method, c.status, content, repr)
		}
	}
}

// TestChecker: one byte more, less or other is found, and which digest finds it
// is told.
func TestChecker(t *testing.T) {
	content := []byte(strings.Repeat("abc", 1000))
	short, long := Of(SHA256, content), Of(SHA512, content)
	for _, c := range []struct {
		name    string
		change  func([]byte) []byte
		digests []Digest
		from    string // whose digest does not fit; "-": nothing to compare with
	}{
		{"same", func(b []byte) []byte { return b }, []Digest{short, long}, ""},
		{"nothing", func(b []byte) []byte { return b }, nil, "-"},
		{"none", func(b []byte) []byte { return b }, []Digest{{}}, "-"},
		{"a byte more", func(b []byte) []byte { return append(b, 'x') }, []Digest{short, long}, "d0"},
		{"a byte less", func(b []byte) []byte { return b[:len(b)-1] }, []Digest{long}, "d0"},
		{"a bit", func(b []byte) []byte { b[1500] ^= 4; return b }, []Digest{short}, "d0"},
		{"empty", func(b []byte) []byte { return nil }, []Digest{short}, "d0"},
		{"one of two", func(b []byte) []byte { return b }, []Digest{short, FromSum(SHA512, make([]byte, 64))}, "d1"},
		{"one of two alike", func(b []byte) []byte { return b }, []Digest{short, FromSum(SHA256, make([]byte, 32))}, "d1"},
		{"a part of the sum", func(b []byte) []byte { return b }, []Digest{FromSum(SHA256, short.Sum()[:31])}, "d0"},
		{"the sum and more", func(b []byte) []byte { return b }, []Digest{FromSum(SHA256, append(short.Sum(), 0))}, "d0"},
		{"no sum", func(b []byte) []byte { return b }, []Digest{FromSum(SHA256, nil)}, "d0"},
		{"of another algorithm", func(b []byte) []byte { return b }, []Digest{FromSum(SHA512, short.Sum())}, "d0"},
	} {
		var check Checker
		for i, d := range c.digests {
			check.Add(fmt.Sprintf("d%d", i), d)
		}
		for range 2 { // Reset makes it as it was
			check.Reset()
			for rest := c.change(bytes.Clone(content)); len(rest) > 0; {
				n := min(7, len(rest))
				check.Write(rest[:n])
				rest = rest[n:]
			}
			v := check.Verdict()
			got := v.From
			if v.Outcome == Unknown {
				got = "-"
			}
			if got != c.from || check.Idle() != (c.from == "-") {
				t.Errorf("%s: %v, want that of %q", c.name, v, c.from)
			}
			var e *Error
			if err := v.Err(); (err != nil) != (v.Outcome == Wrong) || err != nil && (!errors.As(err, &e) || e.Verdict != v) {
				t.Errorf("%s: the error is %v", c.name, err)
			}
		}
	}
}

// TestExpect: digests that come behind the content.
func TestExpect(t *testing.T) {
	var c Checker
	c.Expect(SHA256, SHA512)
	if !c.Idle() {
		t.Error("it has something to compare with")
	}
	c.Write([]byte("hello"))
	c.Add("a trailer", Of(SHA512, []byte("hello")))
	if v := c.Verdict(); v.Outcome != Right {
		t.Error(v.Err())
	}
	c.Add("another", Of(SHA256, []byte("hallo")))
	if v := c.Verdict(); v.Outcome != Wrong || v.From != "another" {
		t.Errorf("%+v", v)
	}
}

func TestNoAllocation(t *testing.T) {
	content, buf := []byte("hello"), make([]byte, 0, 200)
	d := Of(SHA256, content)
	var c Checker
	c.Add("", d)
	for name, f := range map[string]func(){
		"Of":     func() { d = Of(SHA256, content) },
		"Append": func() { buf = Append(buf[:0], d, d) },
		"Write":  func() { c.Write(content) },
		"no Want": func() {
			if ParseWant(nil).Choose(SHA256) != None {
				t.Error("something is wanted")
			}
		},
	} {
		if n := alloctest.PerRun(100, f); n > 0 {
			t.Errorf("%s: %v allocations", name, n)
		}
	}
}

// FuzzParse: what is read is written so that it reads the same, nothing that is
// not trusted is among it, and bytes that have a digest are told from others.
func FuzzParse(f *testing.F) {
	for _, s := range []string{
		"sha-256=:X48E9qOokqqrvdts8nOJRJN3OWDUoyWxBf7kbu9DBPE=:", "sha-512=:AA:, md5=:AAAA:", "unixsum=0, sha-256=10", "sha-256=5|sha-512=1",
	} {
		f.Add(s, []byte("{}"))
	}
	f.Fuzz(func(t *testing.T, s string, content []byte) {
		lines := strings.Split(s, "|")
		ParseWant(lines).Choose()
		got, err := Parse(lines)
		if err != nil && (got.Digests != nil || got.Ignored != nil) {
			t.Fatalf("%q is malformed, and says %v", s, got)
		}
		if len(got.Digests) > 2 {
			t.Fatalf("%q: %v", s, got)
		}
		again, err := Parse([]string{string(Append(nil, got.Digests...))})
		if err != nil || len(again.Ignored) > 0 || len(again.Digests) != len(got.Digests) {
			t.Fatalf("%q: %v, then %v, %v", s, got, again, err)
		}
		for i, d := range got.Digests {
			if d != again.Digests[i] {
				t.Fatalf("%q: %v, then %v", s, got, again)
			}
			var c Checker
			c.Add("", d)
			c.Write(content)
			if right := c.Verdict().Outcome == Right; right != (Of(d.Algorithm, content) == d) {
				t.Fatalf("%v of %q: %v", d, content, right)
			}
		}
	})
}
