package signature

import (
	"net/http"
	"reflect"
	"strings"
	"testing"
	"time"
)

// FuzzVerify: whatever a message says in the two fields, it is verified only
// when the key has signed just that base, and nothing panics.
func FuzzVerify(f *testing.F) {
	keys := testKeys(f)
	k := keys["test-shared-secret.private"]
	now := time.Unix(1700000000, 0)
	header := http.Header{"Date": {"today"}, "X-Dict": {"a=1, b=(x y);q"}, "X-List": {"1", "2"}}
	m := &Message{Method: "GET", Scheme: "https", Authority: "a.example", Target: "/p?q=1&r=%20", Header: header}
	signed, err := Sign(m, k, Params{Components: []string{"@method", "@target-uri", `x-dict;key="b"`, "x-list;bs", `@query-param;name="r"`}, Created: now})
	if err != nil {
		f.Fatal(err)
	}
	f.Add(signed.Input, signed.Signature, "today")
	f.Add(`sig1=("date" "x-list";sf);created=1700000000;keyid="test-shared-secret"`, "sig1=:AAAA:", "a\n b")
	f.Add(`a=("@query-param";name="q";req);expires=1|b=(1)`, "a=:AA:, b=1", "")
	f.Fuzz(func(t *testing.T, input, sig, date string) {
		h := header.Clone()
		h["Date"] = strings.Split(date, "|")
		h["Signature-Input"], h["Signature"] = strings.Split(input, "|"), strings.Split(sig, "|")
		got := *m
		got.Header = h
		v := Verify(&got, KeySet(k), &Policy{Required: []string{}}, now)
		if v.Outcome >= outcomes || v.Outcome.String() == "" || (v.Err() == nil) != (v.Outcome == Verified) {
			t.Fatalf("%v, %v", v, v.Err())
		}
		if v.Outcome != Verified {
			return
		}
		base, err := Base(&got, v.Label)
		if err != nil {
			t.Fatalf("verified, and it has no base: %v", err)
		}
		for _, c := range base {
			if c != '\n' && c != '\t' && (c < ' ' || c > '~') {
				t.Fatalf("a base with the byte %x", c)
			}
		}
		original, err := Base(withFields(m, signed), "sig1")
		if err != nil {
			t.Fatal(err)
		}
		if string(original) != string(base) {
			t.Fatalf("verified is\n%s\nbut signed was\n%s", base, original)
		}
	})
}

// FuzzBase: what can be signed can be verified, and a base has one line for each
// component, and one more: no value of a component makes another line.
func FuzzBase(f *testing.F) {
	k := testKeys(f)["test-shared-secret.private"]
	f.Add("@method,x-a,x-a;bs", "/a?b=c", "value|other", "n")
	f.Add(`@query-param;name="b",@target-uri,x-a;key="k"`, "/?b=%0a", "k=1, l", "")
	f.Add("@authority,@path,priority;sf", "http://x/y", "a\r\n b", "\"\\")
	f.Fuzz(func(t *testing.T, components, target, value, nonce string) {
		now := time.Unix(1700000000, 0)
		h := http.Header{"X-A": strings.Split(value, "|"), "Priority": {value}}
		m := &Message{Method: "GET", Scheme: "https", Authority: "a.example", Target: target, Header: h}
		list := strings.Split(components, ",")
		signed, err := Sign(m, k, Params{Components: list, Created: now, Nonce: nonce})
		if err != nil {
			return
		}
		got := withFields(m, signed)
		if v := Verify(got, KeySet(k), &Policy{Required: list}, now); v.Outcome != Verified {
			t.Fatalf("%q %q %q %q: %v", components, target, value, nonce, v.Err())
		}
		base, err := Base(got, "sig1")
		if err != nil || strings.Count(string(base), "\n") != len(list) {
			t.Fatalf("%q, %v", base, err)
		}
	})
}

// FuzzParseAccept: what is asked for can be asked for again, in the same words.
func FuzzParseAccept(f *testing.F) {
	f.Add(`sig1=("@method" "@target-uri";req);keyid="k";created;tag="t"`)
	f.Add(`a=();expires;alg="ed25519", b=("x";key="\"")`)
	f.Fuzz(func(t *testing.T, s string) {
		asked, err := ParseAccept(strings.Split(s, "|"))
		if err != nil {
			return
		}
		for _, a := range asked {
			for _, c := range a.Components {
				if again, err := ParseComponent(c); err != nil || again != c {
					t.Fatalf("%s became %s, %v", c, again, err)
				}
			}
			line, err := a.Append(nil)
			if err != nil {
				continue // a text that no field can have
			}
			again, err := ParseAccept([]string{string(line)})
			if err != nil || len(again) != 1 || !reflect.DeepEqual(again[0], a) {
				t.Fatalf("%s became %s, %v", s, line, err)
			}
		}
	})
}
