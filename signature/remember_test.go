package signature

import (
	"strings"
	"testing"
	"time"

	"freshet/internal/alloctest"
)

// neighbours are messages that are nearly the same, and yet have other bases.
var neighbours = []struct{ method, scheme, authority, target string }{
	{"GET", "https", "a.example", "/p?q=1"},
	{"GET", "http", "a.example", "/p?q=1"},
	{"PUT", "https", "a.example", "/p?q=1"},
	{"GET", "https", "A.example", "/p?q=1"},
	{"GET", "https", "a.example:443", "/longer/than/eight#and-more"},
	{"GET", "https", "a.example", "/longer/than/eight-and-mo#e"},
	{"GET", "https", "a.example", "/#"},
	{"GET", "https", "a.ex\xffmple", "/"},
	{"GET", "ht\ntps", "a.example", "/"},
	{"GET", "https", "a.example", "https://b.example/p"},
	{"GET", "https", "a.example", "/tab\there/and/more"},
	{"GET", "https", "a.example", "/caf\xc3\xa9/and/more"},
	{"GET", "https", "a.example", "*"},
	{"GET", "https", "a.example", ""},
	{"GET", "https", ":443", "/"},
	{"GET", "https", "", "/"},
	{"GET", "", "a.example", "/"},
	{"", "https", "a.example", "/"},
	{"G\nT", "https", "a.example", "/"},
	{"G\tT", "https", "a\t.example", "/"},
	{"CONNECT", "https", "a.example", "/p"},
	{"GET", "https", strings.Repeat("a", maxKnown), "/"},
}

var coverings = []string{
	`"@method" "@target-uri" "x"`, `"@target-uri" "@method"`, `"@method" "@authority" "@path" "@query"`, `"@scheme" "@authority" "@method"`,
	`"x" "@method"`, `"@method" "@method"`, `"@target-uri" "@target-uri"`, `"@method" "@status"`, `"@method" "@none"`, ``,
}

// FuzzRemember: what a Verifier remembers of one message changes nothing of the
// next: each is judged as by the parser of structured fields, which remembers
// nothing, and has the same base.
func FuzzRemember(f *testing.F) {
	for _, n := range neighbours {
		for i, l := range coverings {
			f.Add(uint8(i), uint8(2*i), n.method, n.scheme, n.authority, n.target, l)
		}
	}
	key := testKeys(f)["test-shared-secret.public"]
	now := time.Unix(1700000000, 0)
	f.Fuzz(func(t *testing.T, before, also uint8, method, scheme, authority, target, list string) {
		var w Verifier
		judge := func(method, scheme, authority, target, list string) {
			t.Helper()
			h := Header{"X": {"1"}, "Signature-Input": {"sig1=(" + list + `);created=1700000000;keyid="test-shared-secret"`}, "Signature": {"sig1=:AAAA:"}}
			m := &Message{Method: method, Scheme: scheme, Authority: authority, Target: target, Header: h}
			if before&1 != 0 {
				h["Signature-Input"][0] += `;alg="hmac-sha256"`
			}
			p := &Policy{Required: []string{}}
			got, base := w.Verify(m, KeySet(key), p, now), string(w.base)
			h["Signature"][0] += ";parameter" // is for the parser
			want := Verify(m, KeySet(key), p, now)
			if got != want {
				t.Fatalf("%q %q %q %q %q: %v, and by the parser %v", method, scheme, authority, target, list, got.Err(), want.Err())
			}
			if want.Outcome == BadSignature {
				if b, err := Base(m, "sig1"); err != nil || string(b) != base {
					t.Fatalf("%q, and by the parser %q, %v", base, b, err)
				}
			}
		}
		known := neighbours[int(before)%len(neighbours)]
		for i := range len(lists{}.of) + 2 { // one is forgotten for each that is new
			l := list
			if i%2 != 0 {
				l = coverings[(int(also)+i)%len(coverings)]
			}
			judge(known.method, known.scheme, known.authority, known.target, l)
			judge(method, scheme, authority, target, l)
			judge(method, scheme, authority, target, l)
			judge(method, scheme, known.authority, target, l)
			judge(known.method, known.scheme, authority, known.target, l)
			judge(method, scheme, authority, target, coverings[(int(also)+7*i)%len(coverings)])
		}
	})
}

// TestSeveralLists: lists that take turns are told apart, also when there are more
// than are remembered; the few that are cost no memory.
func TestSeveralLists(t *testing.T) {
	var kept entry
	for range 2 {
		for i := range coverings {
			for _, j := range []int{i, (i + 1) % len(coverings), i, (i + 5) % len(coverings)} {
				in := "sig1=(" + coverings[j] + ");created=1"
				kept.forget()
				if !kept.scan(in, "sig1=:AAAA:") {
					t.Fatalf("%s is not read", in)
				}
				sameAsParsed(t, &kept, in, "sig1=:AAAA:")
			}
		}
	}
	i := 0
	in := []string{`a=("x")`, `b=("x");keyid="k"`, `a=("y");created=1`, `a=("@method");tag="t"`}
	if n := alloctest.PerRun(100, func() {
		i++
		kept.forget()
		if !kept.scan(in[i%len(in)], in[i%len(in)][:1]+"=:AAAA:") {
			t.Fatal("not read")
		}
	}); n > 0 {
		t.Errorf("%v allocations", n)
	}
}

// TestRememberedTail: parameters behind the ones that change are read as they stand,
// whatever stood before them in the last message.
func TestRememberedTail(t *testing.T) {
	var kept entry
	for _, before := range tails {
		for _, s := range tails {
			for _, in := range []string{before, s} {
				kept.forget()
				if kept.scan(`sig1=("x")`+in, "sig1=:AAAA:") {
					sameAsParsed(t, &kept, `sig1=("x")`+in, "sig1=:AAAA:")
				} else if strings.Count(in, "keyid") < 2 {
					t.Errorf("%s behind %s is not read", s, before)
				}
			}
		}
	}
}

var tails = []string{
	``, `;created=1`, `;keyid="k"`, `;created=1;keyid="k"`, `;created=2;keyid="k"`, `;created=1;keyid="l"`, `;created=1;keyid=""`, `;keyid="k";created=1`,
	`;created=1;keyid="k";alg="a"`, `;created=1;alg="a";keyid="k"`, `;alg="a";created=1;keyid="k"`, `;keyid="k";created=1;keyid="k"`,
	`;keyid="k";nonce="n";tag="t"`, `;nonce="n";keyid="k";tag="t"`, `;created=1;expires=2;nonce="n";keyid="k";tag="t"`, `;tag="t";alg="a";keyid="k"`,
	`;created=1;keyid="` + strings.Repeat("k", maxKnown) + `"`,
}
