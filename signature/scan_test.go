package signature

import (
	"bytes"
	"crypto/hmac"
	"crypto/sha256"
	"fmt"
	"net/http"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"freshet/internal/alloctest"
	"freshet/internal/field"
)

// FuzzScan: what is read in place is what the parser of structured fields reads.
func FuzzScan(f *testing.F) {
	for _, s := range scanned {
		f.Add(s.in, s.sig)
	}
	var kept entry // has read others before
	f.Fuzz(func(t *testing.T, in, sig string) {
		for _, e := range []*entry{new(entry), &kept, &kept} {
			if e.scan(in, sig) {
				sameAsParsed(t, e, in, sig)
			}
			e.forget()
		}
	})
}

func sameAsParsed(t *testing.T, e *entry, in, sig string) {
	t.Helper()
	inputs, ok1 := field.ParseMembers([]string{in})
	signatures, ok2 := field.ParseMembers([]string{sig})
	if !ok1 || !ok2 || len(inputs) != 1 || len(signatures) != 1 {
		t.Fatalf("%q and %q are read, and are no signature", in, sig)
	}
	var p entry
	p.read(&inputs[0], signatures)
	p.takeApart()
	if p.sig, ok1 = field.AppendDecoded(nil, p.coded); !ok1 {
		t.Fatalf("%q is read, and is not base64", sig)
	}
	if e.label != p.label || e.s != p.s || e.wrong != p.wrong || e.fault != p.fault || e.text != p.text || e.broken != p.broken || !bytes.Equal(e.sig, p.sig) ||
		e.covers.plain != p.covers.plain || len(e.covers.all) != len(p.covers.all) || len(p.covers.all) > 0 && !reflect.DeepEqual(e.covers.all, p.covers.all) {
		t.Fatalf("%q, %q:\n%+v\nwhere the parser has\n%+v", in, sig, e, p)
	}
}

var scanned = []struct {
	in, sig string
	ok      bool
}{
	{`sig1=("@method" "@target-uri" "content-digest");created=1618884473;keyid="k"`, "sig1=:AAAA:", true},
	{`sig1=();created=1;expires=2;nonce="n";alg="hmac-sha256";keyid="";tag="a b"`, "sig1=:AAA=:", true},
	{`*a-b_c.d*=("x-y")`, "*a-b_c.d*=::", true},
	{`sig1=("x" "x" "date" "date")`, "sig1=:AA:", true}, // wrong, and read alike
	{`sig1=("@none" "a/b")`, "sig1=:AAAA:", true},
	{`sig1=("x");created=0`, "sig1=:AAAA====:", true},
	{`sig1=("x");created=999999999999999`, "sig1=:AAAA:", true},
	{`sig1=("x");created=1000000000000000`, "sig1=:AAAA:", false},
	{`sig1=("x");created=01`, "sig1=:AAAA:", false},
	{`sig1=("x");created=-1`, "sig1=:AAAA:", false},
	{`sig1=("x");created=1.0`, "sig1=:AAAA:", false},
	{`sig1=("x");created`, "sig1=:AAAA:", false},
	{`sig1=("x");created="1"`, "sig1=:AAAA:", false},
	{`sig1=("x");created=1;created=2`, "sig1=:AAAA:", false},
	{`sig1=("x");tag="1";tag="2"`, "sig1=:AAAA:", false},
	{`sig1=("x");tag="\""`, "sig1=:AAAA:", false},
	{`sig1=("x");tag="\\12345678"`, "sig1=:AAAA:", false},
	{"sig1=(\"x\");tag=\"\t\"", "sig1=:AAAA:", false},
	{"sig1=(\"x\");tag=\"caf\xc3\xa9 with more\"", "sig1=:AAAA:", false},
	{`sig1=("x");tag="open`, "sig1=:AAAA:", false},
	{`sig1=("x");tag=`, "sig1=:AAAA:", false},
	{`sig1=("x");other=1`, "sig1=:AAAA:", false},
	{`sig1=("x"); created=1`, "sig1=:AAAA:", false},
	{`sig1=("x");created=1 `, "sig1=:AAAA:", false},
	{`sig1=("x");created=1, sig2=()`, "sig1=:AAAA:", false},
	{`sig1=("x"  "y")`, "sig1=:AAAA:", false},
	{`sig1=( "x")`, "sig1=:AAAA:", false},
	{`sig1=("x" )`, "sig1=:AAAA:", false},
	{`sig1=("x""y")`, "sig1=:AAAA:", false},
	{`sig1=("x";sf)`, "sig1=:AAAA:", false},
	{`sig1=("@query-param";name="q")`, "sig1=:AAAA:", false},
	{`sig1=("@query-param")`, "sig1=:AAAA:", false},
	{`sig1=("@signature-params")`, "sig1=:AAAA:", false},
	{`sig1=("X")`, "sig1=:AAAA:", false},
	{`sig1=("a:b")`, "sig1=:AAAA:", false},
	{`sig1=("a b")`, "sig1=:AAAA:", false},
	{`sig1=("")`, "sig1=:AAAA:", false},
	{`sig1=("`, "sig1=:AAAA:", false},
	{`sig1=("x"`, "sig1=:AAAA:", false},
	{`sig1=(x)`, "sig1=:AAAA:", false},
	{`sig1="x"`, "sig1=:AAAA:", false},
	{`sig1`, "sig1=:AAAA:", false},
	{`1sig=("x")`, "1sig=:AAAA:", false},
	{`Sig=("x")`, "Sig=:AAAA:", false},
	{`=("x")`, "=:AAAA:", false},
	{``, ``, false},
	{`sig1=("x")`, "sig2=:AAAA:", false},
	{`sig1=("x")`, "sig1=:AAAA:;a", false},
	{`sig1=("x")`, "sig1=:AAAA:, sig2=:AAAA:", false},
	{`sig1=("x")`, "sig1=:A:", false},
	{`sig1=("x")`, "sig1=:A\nAAA:", false},
	{`sig1=("x")`, "sig1=:A-AA:", false},
	{`sig1=("x")`, "sig1=:", false},
	{`sig1=("x")`, "sig1", false},
	{`sig1=("x")`, `sig1="AAAA"`, false},
	{`sig1=("x")`, "sig1=:" + strings.Repeat("A", MaxSignatureBytes*4/3+8) + ":", false},
	{`sig1=(` + strings.Repeat(`"x" `, MaxComponents) + `"x")`, "sig1=:AAAA:", false},
	{`sig1=(` + strings.TrimSpace(strings.Repeat(`"`+strings.Repeat("x", 40)+`" `, MaxComponents)) + `)`, "sig1=:AAAA:", true}, // too long to be remembered
}

// TestScan: the usual form is read in place, and nothing else is.
func TestScan(t *testing.T) {
	var kept entry
	for range 2 {
		for _, s := range scanned {
			ok := kept.scan(s.in, s.sig)
			if ok != s.ok {
				t.Errorf("%q, %q: %v", s.in, s.sig, ok)
			}
			if ok {
				sameAsParsed(t, &kept, s.in, s.sig)
			}
			kept.forget()
			if ok && len(s.in) < 500 && !kept.scan(s.in, s.sig) {
				t.Errorf("%q is not read again", s.in)
			}
			kept.forget()
		}
	}
}

// TestVerifierKeepsNothing: one message leaves nothing in a Verifier that the next
// one could be taken for, and no part of it is held.
func TestVerifierKeepsNothing(t *testing.T) {
	keys := testKeys(t)
	now := time.Unix(1700000000, 0)
	var w Verifier
	one := func(k *Key, components []string, tag string) *Message {
		m := &Message{Method: "GET", Scheme: "https", Authority: "a", Target: "/", Header: http.Header{"Date": {"today"}, "X": {"a=1"}}}
		s, err := Sign(m, k, Params{Components: components, Created: now, Tag: tag})
		if err != nil {
			t.Fatal(err)
		}
		return withFields(m, s)
	}
	ed, mac := keys["test-key-ed25519.private"], keys["test-shared-secret.private"]
	set := KeySet(ed, mac)
	full := []string{"@method", "@target-uri", "date"}
	for _, c := range []struct {
		m    *Message
		want Outcome
	}{
		{one(mac, full, ""), Verified},
		{one(mac, full[:1], ""), ComponentUncovered},
		{one(ed, append(full, `x;key="a"`), ""), Verified},
		{one(mac, []string{"@method", `x;key="a"`}, ""), ComponentUncovered},
		{one(mac, nil, ""), ComponentUncovered},
		{one(ed, full, "tag"), Verified},
		{&Message{Method: "GET", Scheme: "https", Authority: "a", Target: "/", Header: http.Header{}}, None},
		{&Message{Method: "GET", Header: Header{"Signature-Input": {`sig1=("@method" "@target-uri" "date");created=1700000000;keyid="test-shared-secret"`}, "Signature": {"sig1=:AAAA:"}}}, ComponentMissing},
		{one(ed, full, ""), Verified},
	} {
		for range 2 {
			v, alone := w.Verify(c.m, set, &Policy{}, now), Verify(c.m, set, &Policy{}, now)
			if v != alone || v.Outcome != c.want {
				t.Errorf("%v, and by another %v, want %v", v, alone, c.want)
			}
			left := w.entry
			left.own, left.sig, left.lists, left.tail = nil, nil, lists{}, tail{} // in memory of its own
			if i := slices.IndexFunc(w.entry.own[:cap(w.entry.own)], func(c covered) bool { return c != covered{} }); i >= 0 {
				t.Errorf("it keeps the component %q", w.entry.own[:i+1][i].name)
			}
			if !reflect.DeepEqual(left, entry{}) || !reflect.DeepEqual(w.read, reading{}) {
				t.Errorf("it keeps %+v, %+v", w.entry, w.read)
			}
		}
	}
}

// TestManyKeys: a Verifier does not take one secret for another, also when there
// are more than it keeps hashes of.
func TestManyKeys(t *testing.T) {
	var w Verifier
	base := []byte("what is signed")
	for range 3 {
		for i := range 2 * len(w.macs.of) {
			k, err := NewKey(fmt.Sprint(i), HMAC, bytes.Repeat([]byte{byte(i)}, MinSecret))
			if err != nil {
				t.Fatal(err)
			}
			for range 2 {
				h := hmac.New(sha256.New, k.secret)
				h.Write(base)
				if got := w.macs.sum(k, base); !bytes.Equal(got, h.Sum(nil)) {
					t.Fatalf("key %d: %x", i, got)
				}
			}
		}
	}
}

// TestVerifyAllocations: a signed request of the usual form is verified without
// any allocation but those of the key's algorithm.
func TestVerifyAllocations(t *testing.T) {
	keys := testKeys(t)
	now := time.Unix(1618884473, 0)
	var w Verifier
	for _, name := range []string{"test-key-ed25519", "test-shared-secret", "test-key-ecc-p256"} {
		k := keys[name+".public"]
		all := manyRequests(t, keys[name+".private"], now)[:8]
		set, policy := KeySet(k), &Policy{Nonce: true}
		i := 0
		next := func() *signedRequest { i++; return &all[i%len(all)] }
		bare := alloctest.PerRun(100, func() { r := next(); k.verify(r.base, r.sig, &w.macs) })
		whole := alloctest.PerRun(100, func() {
			if v := w.Verify(next().message, set, policy, now); v.Outcome != Verified {
				t.Error(v.Err())
			}
		})
		if whole > bare || k.Algorithm() == HMAC && whole > 0 {
			t.Errorf("%s: %v allocations, and %v of the key's", name, whole, bare)
		}
	}
}

// TestHeader: Header finds what http.Header does.
func TestHeader(t *testing.T) {
	h := http.Header{}
	for _, name := range []string{"Signature", "signature-input", "X-A", "x_b-C", "!a-!b", "with space", "a(b)", strings.Repeat("Long-", 40), "Etag", "Www-Authenticate", ""} {
		h.Add(name, name)
	}
	h["raw-Name"] = []string{"not reached"}
	for name := range h {
		lower := strings.ToLower(name)
		if got, want := Header(h).Values(lower), h.Values(lower); !reflect.DeepEqual(got, want) {
			t.Errorf("%q: %q, want %q", name, got, want)
		}
	}
	for k := contentDigest; int(k) < len(canonical); k++ {
		if name := canonical[k]; http.CanonicalHeaderKey(name) != name || knownAs(strings.ToLower(name)) != k {
			t.Errorf("%d is %s", k, name)
		}
	}
}

// TestPrintable: eight octets at a time are as good as one by one.
func TestPrintable(t *testing.T) {
	for size := range 26 {
		for at := range max(size, 1) {
			for c := range 256 {
				b := bytes.Repeat([]byte{'~'}, size)
				if size > 0 {
					b[at] = byte(c)
				}
				for _, also := range []int{-1, at + 1, size - 1} { // what is behind does not show before
					if also >= 0 && also < size && also > at {
						b[also] = 0xff
					} else if also >= 0 {
						continue
					}
					all, length := true, -1
					for i, c := range b {
						ends := c < ' ' || c > '~'
						all = all && !ends
						if (ends || c == '"' || c == '\\') && length < 0 {
							length = i
						}
					}
					if length < 0 {
						length = size
					}
					if printable(b) != all || printable(string(b)) != all || plainLength(string(b)) != length {
						t.Fatalf("%q: %v, %d", b, printable(b), plainLength(string(b)))
					}
				}
			}
		}
	}
}
