// Package planted compares secrets in every form that has to be found. A line
// says "// found" behind it; one without is not to be reported.
package planted

import (
	"bytes"
	"crypto/hmac"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/hex"
	"net/http"
	"slices"
	"strings"
	"sync"
)

const fixedToken = "anonymous"

var errToken, kept = error(nil), sync.Map{}

type secret string

type state int

type login struct {
	user, password string
	sum            [32]byte
	tokenFile      string
	hasNonce       bool
	PIN            string
	mac            []byte
	macs           [][]byte
	tokenState     state
	given          secret
}

func operators(l, other login, token, want string, given secret, b []byte) {
	_ = l.password == other.password                 // found
	_ = want != token                                // found
	_ = given == secret(want)                        // found
	_ = l.given != given                             // found
	_ = (l.PIN) == want                              // found
	_ = string(l.mac) == string(b)                   // found
	_ = b[0] == l.mac[0]                             // found
	_ = "Bearer "+token == want                      // found
	_ = l.sum == sha256.Sum256([]byte(token))        // found
	_ = hex.EncodeToString(l.mac[:8]) == want        // found
	_ = l.user == want || token == want && want > "" // found

	_ = token == "" || token != fixedToken || l.mac == nil || given == secret("")
	_ = len(token) == len(want) || l.tokenFile == want || l.user == want
	_ = l.hasNonce == other.hasNonce || l.tokenState == other.tokenState
	_ = errToken == http.ErrNoCookie || strings.Index(token, ":") == len(want)
}

func functions(l login, token, want string, b []byte, known []string) {
	_ = bytes.Equal(l.mac, b)                             // found
	_ = bytes.Compare(b, l.mac)                           // found
	_ = strings.EqualFold(want, token)                    // found
	_ = slices.Equal(l.mac, b)                            // found
	_ = slices.Contains(known, token)                     // found
	_ = strings.HasPrefix(token, want)                    // found
	_ = strings.HasSuffix(want, strings.Trim(token, " ")) // found
	_ = same(l.macs, b)

	_ = bytes.Equal(l.mac, nil) || strings.HasPrefix(token, "v1.")
	_ = hmac.Equal(l.mac, b) || subtle.ConstantTimeCompare(l.mac, b) == 1
	_ = strings.EqualFold(l.user, want)
}

func same(macs [][]byte, b []byte) bool {
	for _, one := range macs {
		if bytes.Equal(one, b) { // found
			return true
		}
	}
	return false
}

func maps(token, want string, users map[string]login, list []login) {
	_ = users[token]        // found
	_, _ = kept.Load(token) // found
	users[token] = login{}
	_ = users[want]
	_ = list[len(token)]
	if l, ok := users["token"]; ok {
		_ = l.user
	}
}

func cases(token, want string) {
	switch token {
	case want: // found
	case "", fixedToken:
	}
	switch want {
	case "a", token: // found
	}
	switch {
	case token == want: // found
	case token == "":
	}
}

func requests(r *http.Request, want string) {
	_ = r.Header.Get("Authorization") == want // found
	_ = r.FormValue("csrf") == want           // found
	_ = r.Form["token"][0] == want            // found
	_ = want == r.Header.Get("X-Csrf-Token")  // found
	_ = r.Header.Get("Accept") == want
}

func derived(key []byte, token, want string, l *login) {
	h := hmac.New(sha256.New, key)
	h.Write([]byte(want))
	mac := h.Sum(nil)
	text := hex.EncodeToString(mac)
	_ = text == want // found
	first := strings.ToLower(token)
	second := first
	_ = want == second // found
	_ = l.later() == want
	copy(l.sum[:], token)
}

func (l *login) later() string {
	_ = l.sum == sha256.Sum256(nil) // found
	return ""
}
