//go:build !nonats

package bus

import (
	"bytes"
	"encoding/base64"
	"errors"
	"reflect"
	"strings"
	"testing"
)

func someToken() token {
	return token{Name: "n1", Addresses: []string{"192.0.2.1:7000"}, Pin: bytes.Repeat([]byte{1}, 32), Seed: bytes.Repeat([]byte{2}, 32)}
}

func TestToken(t *testing.T) {
	want := someToken()
	text := want.String()
	got, err := parseToken("  " + text + "\n")
	if err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("%+v, %v", got, err)
	}
	bad := map[string]string{
		"nothing":    "",
		"cut":        text[:len(text)-1],
		"a word":     "hello",
		"no prefix":  strings.TrimPrefix(text, tokenPrefix),
		"one letter": text[:40] + string('A'+'B'-text[40]&1) + text[41:],
		"no sum":     tokenPrefix + base64.RawURLEncoding.EncodeToString([]byte("{}")),
	}
	for what, change := range map[string]func(*token){
		"no name":    func(t *token) { t.Name = "" },
		"wild name":  func(t *token) { t.Name = "*" },
		"no address": func(t *token) { t.Addresses = nil },
		"no pin":     func(t *token) { t.Pin = nil },
		"short seed": func(t *token) { t.Seed = t.Seed[:31] },
	} {
		other := someToken()
		change(&other)
		bad[what] = other.String()
	}
	for what, text := range bad {
		if _, err := parseToken(text); !errors.Is(err, ErrToken) {
			t.Errorf("%s: %v", what, err)
		}
	}
}

func FuzzToken(f *testing.F) {
	f.Add(someToken().String())
	f.Add(tokenPrefix)
	f.Add(tokenPrefix + "AAAAAAAA")
	f.Fuzz(func(t *testing.T, text string) {
		got, err := parseToken(text)
		if err != nil {
			return
		}
		again, err := parseToken(got.String())
		if err != nil || !reflect.DeepEqual(again, got) {
			t.Fatalf("%q: %+v, then %+v, %v", text, got, again, err)
		}
	})
}
