package layers

import (
	"slices"
	"strings"
	"testing"
	"unicode"
)

// secretWords make a name that of a secret, or of what is made of one, such
// as its digest: who may know it only by having it.
var secretWords = []string{
	"apikey", "bearer", "credential", "csrf", "hmac", "mac", "nonce", "otp", "pass", "passcode", "passphrase", "passwd", "password",
	"pin", "secret", "sig", "signature", "token", "xsrf",
}

// aboutSecrets are last words that make a name that of something else, which
// a secret has: a tokenFile is a file.
var aboutSecrets = []string{
	"age", "algorithm", "algorithms", "at", "count", "end", "err", "error", "field", "file", "id", "index", "kind", "label", "len", "length",
	"max", "min", "missing", "name", "path", "prefix", "size", "type", "until",
}

// words splits a name at its capitals, digits and signs, into lower case.
func words(name string) []string {
	var all []string
	runes := []rune(name)
	from := 0
	cut := func(to int) {
		if from < to {
			all = append(all, strings.ToLower(string(runes[from:to])))
		}
	}
	for i, r := range runes {
		letter := unicode.IsLetter(r)
		capital := i > from && unicode.IsUpper(r) && (unicode.IsLower(runes[i-1]) || i+1 < len(runes) && unicode.IsLower(runes[i+1]) && !(runes[i+1] == 's' && i+2 == len(runes)))
		switch {
		case !letter:
			cut(i)
			from = i + 1
		case capital:
			cut(i)
			from = i
		}
	}
	cut(len(runes))
	return all
}

// aboutSecret says whether a name is that of what a secret has, or of whether
// there is one.
func aboutSecret(name string) bool {
	all := words(name)
	return len(all) == 0 || slices.Contains([]string{"has", "is", "without"}, all[0]) || slices.Contains(aboutSecrets, all[len(all)-1])
}

// secretName says whether a name is, by its words, that of a secret.
func secretName(name string) bool {
	return !aboutSecret(name) && slices.ContainsFunc(words(name), func(w string) bool {
		return slices.Contains(secretWords, w) || slices.Contains(secretWords, strings.TrimSuffix(w, "s"))
	})
}

func TestSecretName(t *testing.T) {
	for name, want := range map[string]bool{
		"token": true, "Token": true, "csrfToken": true, "CSRF": true, "wantMAC": true, "MACs": true, "hmac256": true, "X-Csrf-Token": true, "session_secret": true,
		"passwords": true, "tokenSum": true, "HMACKey": true, "pinOf": true, "sig": true, "oldPassphrase": true,
		"": false, "key": false, "tokenFile": false, "hasToken": false, "SecretSize": false, "machine": false, "macro": false, "design": false, "spin": false, "Signal": false, "pinned": false, "tokenizer": false,
	} {
		if got := secretName(name); got != want {
			t.Errorf("secretName(%q) = %v of %q, want %v", name, got, words(name), want)
		}
	}
}
