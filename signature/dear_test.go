package signature

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"
)

// TestDear: what one message makes a verifier parse before anything is proven has
// a bound, however many signatures and components look into it.
func TestDear(t *testing.T) {
	keys := testKeys(t)
	key := keys["test-key-ed25519.public"]
	now := time.Unix(1700000000, 0)
	var dict, query []string
	for i := range 950 {
		dict = append(dict, fmt.Sprintf("k%d=%d", i, i))
		query = append(query, fmt.Sprintf("q%d=%%61", i))
	}
	message := func(component string) *Message {
		var inputs, sigs []string
		for s := range MaxSignatures {
			covered := []string{`"@method"`, `"@target-uri"`}
			for c := range 60 {
				covered = append(covered, fmt.Sprintf(component, 60*s+c))
			}
			inputs = append(inputs, fmt.Sprintf("s%d=(%s);created=%d;keyid=%q", s, strings.Join(covered, " "), now.Unix(), key.ID()))
			sigs = append(sigs, fmt.Sprintf("s%d=:%s:", s, strings.Repeat("A", 86)+"=="))
		}
		return &Message{Method: "GET", Scheme: "http", Authority: "h", Target: "/?" + strings.Join(query, "&"), Header: http.Header{
			"X": {strings.Join(dict, ", ")}, "Signature-Input": {strings.Join(inputs, ", ")}, "Signature": {strings.Join(sigs, ", ")},
		}}
	}
	m := message(`"x";key="k%d"`)
	if v := Verify(m, KeySet(key), &Policy{}, now); v.Outcome != BadSignature {
		t.Fatalf("a dictionary: %v", v.Err())
	}
	// All eight bases of it, as Verify makes them: the field was parsed once.
	inputs, _, _ := m.signatures()
	var read reading
	for i := range inputs {
		var e entry
		e.takeList(&inputs[i].Structured)
		if _, _, wrong := m.appendBase(nil, &e, &read); wrong != "" {
			t.Fatal(wrong)
		}
	}
	if once := len(m.Header.Values("X")[0]); read.octets != once {
		t.Errorf("%d octets were parsed of a field of %d", read.octets, once)
	}
	m = message(`"@query-param";name="q%d"`)
	if v := Verify(m, KeySet(key), &Policy{}, now); v.Outcome != ComponentMissing || v.Why != tooMuch {
		t.Errorf("a query: %v", v.Err())
	}
	// What is not a dictionary is not parsed again either.
	read = reading{}
	c := component{name: "x", keyed: true}
	for range 3 {
		if _, wrong := read.dictionary(m, &c, []string{"a=,"}); wrong != notOfType {
			t.Error(wrong)
		}
	}
	if read.octets != 3 || len(read.dicts) != 1 {
		t.Errorf("%d octets were parsed", read.octets)
	}
}
