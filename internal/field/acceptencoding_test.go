package field

import (
	"fmt"
	"slices"
	"strings"
	"testing"
)

func allCodings() CodingSet {
	return CodingSet(0).With(Identity).With(Gzip).With(Brotli).With(Zstd)
}

func TestCodingNamed(t *testing.T) {
	for name, want := range map[string]Coding{
		"gzip": Gzip, "GZip": Gzip, "x-gzip": Gzip, "X-Gzip": Gzip, "br": Brotli, "BR": Brotli,
		"zstd": Zstd, "zSTD": Zstd, "identity": Identity, "Identity": Identity,
	} {
		if c, ok := CodingNamed(name); c != want || !ok {
			t.Errorf("%q: %v, %v", name, c, ok)
		}
	}
	for _, name := range []string{"", "deflate", "x-br", "gzip ", "brr", "*"} {
		if c, ok := CodingNamed(name); c != Identity || ok {
			t.Errorf("%q: %v, %v", name, c, ok)
		}
	}
}

func TestAcceptEncoding(t *testing.T) {
	const absent = "\x00absent"
	tests := []struct {
		in   string
		want string // the order of all codings
	}{
		{absent, "identity"},
		{"", "identity"}, // RFC 9110 §12.5.3: the client wants no coding
		{" , ", "identity"},
		{"identity", "identity"},
		{"gzip", "gzip identity"},
		{"GZip", "gzip identity"},
		{"x-gzip", "gzip identity"}, // RFC 9110 §8.4.1.3
		{"X-GZIP;q=0.5", "gzip identity"},
		{"br", "br identity"},
		{"zstd", "zstd identity"},
		{"gzip, deflate, br, zstd", "br zstd gzip identity"},
		{"gzip, deflate, br", "br gzip identity"},
		{"gzip,br,zstd", "br zstd gzip identity"},
		{"gzip, identity", "gzip identity"},
		{"compress, gzip", "gzip identity"},
		{"deflate", "identity"},
		{"dcb, dcz", "identity"},

		// Weights.
		{"gzip;q=1.0, br;q=0.9", "gzip br identity"},
		{"gzip;q=0.5, br;q=0.501, zstd;q=0.502", "zstd br gzip identity"},
		{"gzip;q=0.001", "gzip identity"},
		{"gzip;q=0.5, identity;q=0.8", "identity gzip"},
		{"gzip;q=0.5, identity", "identity gzip"},
		{"gzip ; q=0.5\t,br ;\tq=0.1", "gzip br identity"},
		{"gzip;Q=0.5, br;Q=0.4", "gzip br identity"},
		{"gzip;q=0", "identity"},
		{"gzip;q=0.0, br;q=0.000", "identity"},
		{"gzip;q=0, *", "br zstd identity"},

		// "*" and identity.
		{"*", "br zstd gzip identity"},
		{"*;q=0.5", "br zstd gzip identity"},
		{"*;q=0", ""},
		{"identity;q=0", ""},
		{"identity;q=0, *", "br zstd gzip"},
		{"gzip, *;q=0", "gzip"},
		{"gzip, identity;q=0", "gzip"},
		{"identity, *;q=0", "identity"},
		{"identity;q=0.5, *;q=0", "identity"},
		{"gzip;q=0.2, *;q=0.8", "br zstd identity gzip"},
		{"gzip;q=1.0, identity; q=0.5, *;q=0", "gzip identity"}, // RFC 9110 §12.5.3
		{"compress;q=0.5, gzip;q=1.0", "gzip identity"},

		// The lower weight of two.
		{"gzip, gzip;q=0", "identity"},
		{"gzip;q=0, gzip", "identity"},
		{"gzip, x-gzip;q=0", "identity"},
		{"*;q=0, *, gzip", "gzip"},

		// Malformed elements are ignored, others are not.
		{"gzip;q=1.1", "identity"},
		{"gzip;q=1.001", "identity"},
		{"gzip;q=2", "identity"},
		{"gzip;q=q", "identity"},
		{"gzip;q=0.1234", "identity"},
		{"gzip;q=.5", "identity"},
		{"gzip;q=-1", "identity"},
		{"gzip;q=0,5", "identity"}, // gzip refused; "5" is some coding
		{"gzip;q=", "identity"},
		{"gzip;q", "identity"},
		{"gzip;", "identity"},
		{"gzip;q =1", "identity"},
		{"gzip;q= 1", "identity"},
		{"gzip;q=1;x=y", "identity"},
		{"gzip;level=9", "identity"},
		{"gzip;q=x, br", "br identity"},
		{"gzip br", "identity"},
		{`"gzip"`, "identity"},
		{`"gzip, br`, "identity"},
		{"gzip;q=0.", "identity"},
		{"gzip;q=1.", "gzip identity"}, // the digits behind the point are optional
		{"identity;q=0.x", "identity"},
	}
	for _, tt := range tests {
		a := ParseAcceptEncoding(tt.in, tt.in != absent)
		if tt.in == absent {
			a = ParseAcceptEncoding("", false)
		}
		order, n := a.Order(allCodings())
		if got := strings.Trim(fmt.Sprint(order[:n]), "[]"); got != tt.want {
			t.Errorf("%q: %s, want %s (weights %v)", tt.in, got, tt.want, a.q)
		}
		for c := Identity; c < NumCodings; c++ {
			if (a.Q(c) > 0) != slices.Contains(order[:n], c) {
				t.Errorf("%q: %v has weight %d, order %v", tt.in, c, a.Q(c), order[:n])
			}
		}
	}
}

func TestAcceptEncodingQ(t *testing.T) {
	tests := []struct {
		in   string
		want int
	}{
		{"gzip", 1000}, {"gzip;q=1", 1000}, {"gzip;q=1.000", 1000}, {"gzip;q=0.999", 999},
		{"gzip;q=0.1", 100}, {"gzip;q=0.01", 10}, {"gzip;q=0.001", 1}, {"gzip;q=0", 0},
		{"gzip;q=0.", 0}, {"*;q=0.25", 250}, {"br", 0}, {"gzip;q=0.7, gzip;q=0.3", 300},
	}
	for _, tt := range tests {
		if got := ParseAcceptEncoding(tt.in, true).Q(Gzip); got != tt.want {
			t.Errorf("%q: weight %d, want %d", tt.in, got, tt.want)
		}
	}
	if q := ParseAcceptEncoding("*", true).Q(NumCodings); q != 0 {
		t.Errorf("a coding that does not exist has weight %d", q)
	}
}

func TestCodingSet(t *testing.T) {
	s := CodingSet(0).With(Gzip).With(Identity)
	for c, want := range map[Coding]bool{Identity: true, Gzip: true, Brotli: false, Zstd: false} {
		if s.Has(c) != want {
			t.Errorf("Has(%v) = %v", c, !want)
		}
	}
	order, n := ParseAcceptEncoding("br, gzip;q=0.1", true).Order(s)
	if n != 2 || order[0] != Gzip || order[1] != Identity {
		t.Errorf("order of what is available: %v", order[:n])
	}
	if got := Coding(NumCodings).String(); got != "" {
		t.Errorf("a coding that does not exist is %q", got)
	}
}

// FuzzAcceptEncoding proves that the order lists what is accepted and
// available, once each and by falling weight, and that white space, empty
// elements and case mean nothing.
func FuzzAcceptEncoding(f *testing.F) {
	f.Add("gzip;q=0.5, br, *;q=0", uint8(15))
	f.Fuzz(func(t *testing.T, value string, set uint8) {
		a := ParseAcceptEncoding(value, true)
		available := CodingSet(set)
		order, n := a.Order(available)
		var seen CodingSet
		for i, c := range order[:n] {
			if !available.Has(c) || seen.Has(c) || a.Q(c) == 0 || i > 0 && a.Q(order[i-1]) < a.Q(c) {
				t.Errorf("%q: order %v of weights %v", value, order[:n], a.q)
			}
			seen = seen.With(c)
		}
		for c := Identity; c < NumCodings; c++ {
			if q := a.Q(c); q < 0 || q > 1000 || available.Has(c) && !seen.Has(c) && q > 0 {
				t.Errorf("%q: weights %v, order %v", value, a.q, order[:n])
			}
		}
		ascii := strings.Map(func(r rune) rune {
			if 'a' <= r && r <= 'z' {
				return r - 'a' + 'A'
			}
			return r
		}, value)
		if ascii == strings.ToUpper(value) && ParseAcceptEncoding(ascii, true) != a {
			t.Errorf("%q: case matters", value)
		}
		if ParseAcceptEncoding(" ,\t"+value, true) != a {
			t.Errorf("%q: an empty element in front matters", value)
		}
	})
}

// TestNextWeighted: it reads what NextElement and CutWeight read.
func TestNextWeighted(t *testing.T) {
	for _, list := range []string{
		"", ",", " , ", "gzip", "gzip, br;q=0.5 ,, *;q=0", "gzip , br", ` "a, b", c`, "a;q=x, b", "a b, c", ";q=1, a", `"`, "a=b", "en;Q=1.000",
	} {
		for rest, n := list, 0; n < 10; n++ {
			elem, after, more := NextElement(rest)
			wantName, wantQ, wantOK := CutWeight(elem)
			name, q, next, ok := NextWeighted(rest)
			if !more {
				if name != "" || next != "" || !ok {
					t.Errorf("%q: at the end of the list %q, %q, %v", rest, name, next, ok)
				}
				break
			}
			if ok != wantOK || ok && (name != wantName || q != wantQ) {
				t.Errorf("%q: %q, %d, %v; want %q, %d, %v", rest, name, q, ok, wantName, wantQ, wantOK)
			}
			if strings.TrimLeft(next, ", \t") != strings.TrimLeft(after, ", \t") {
				t.Errorf("%q: leaves %q, want %q", rest, next, after)
			}
			rest = next
		}
	}
}
