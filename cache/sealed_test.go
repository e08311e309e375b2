package cache

import (
	"net/http"
	"strings"
	"testing"

	"freshet/internal/record"
	"freshet/internal/rule"
)

// Who looks at what is stored does not read the credentials that are part of a
// key, and can name the key all the same.
func TestSealedKeys(t *testing.T) {
	for _, name := range []string{"Authorization", "Cookie", "X-Api-Key", "x-auth-token"} {
		w := newWorld(t, Options{Key: KeyRules{Headers: []string{"X-Site", name}}, Profile: Standard}, func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Cache-Control", "public, max-age=60")
		})
		for _, secret := range []string{"Bearer secret1", "Bearer secret2"} {
			w.tell("GET http://e/a%20b", name+": "+secret, "X-Site: b").expect(t, record.Miss, rule.CacheURIMiss)
		}
		names := map[string]bool{}
		w.store.Objects(func(o ObjectInfo) bool {
			names[o.Key] = true
			if strings.Contains(o.Key, "secret") || !strings.HasPrefix(o.Key, o.URL) {
				t.Errorf("%s: %q", name, o.Key)
			}
			d, ok := w.store.Object(o.Key)
			if !ok || d.Key != o.Key || len(d.Stored) != 1 {
				t.Errorf("%s: %q is not found: %+v", name, o.Key, d)
			}
			return true
		})
		if len(names) != 2 {
			t.Fatalf("%s: names %v", name, names)
		}
		for key := range names {
			if _, ok := w.store.Object(key[:len(key)-1]); ok {
				t.Errorf("%s: a part of the name leads there, too", name)
			}
			if n := w.store.PurgeKey(key, false); n != 1 {
				t.Errorf("%s: purged %d", name, n)
			}
		}
		if _, ok := w.store.Object("http://e/a%20b" + sealed + "AAAA"); ok {
			t.Errorf("%s: a made-up name", name)
		}
	}
}

// Keys without secrets are called what they are.
func TestUnsealedKeys(t *testing.T) {
	var s seal
	s.mind(&KeyRules{Headers: []string{"Accept-Language", "X-Cache-Key", "Origin"}})
	key := "http://e/a\n\x00\x00\x00\x02de"
	if got := s.name(key); got != printableKey(key) {
		t.Errorf("%q", got)
	}
	s.mind(&KeyRules{Headers: []string{"cookie"}})
	if back, ok := s.key(s.name(key)); !ok || back != key || s.name(key) == printableKey(key) {
		t.Errorf("%q %v", back, ok)
	}
	if got := s.name("http://e/a"); got != "http://e/a" {
		t.Errorf("%q", got)
	}
}

func TestSecretNames(t *testing.T) {
	for name, want := range map[string]bool{
		"Authorization": true, "Cookie": true, "Set-Cookie": true, "Proxy-Authorization": true, "X-Api-Key": true, "Apikey": true, "X-Auth-Token": true,
		"X-Csrf-Token": true, "X-Amz-Security-Token": true, "X-Forwarded-Access-Token": true, "X-Session-Id": true, "X-Client-Secret": true, "X-Jwt-Assertion": true,
		"Accept-Language": false, "X-Cache-Key": false, "Surrogate-Key": false, "Origin": false, "Sec-Ch-Ua": false, "Accept": false, "Etag": false, "Www-Authenticate": false,
	} {
		if isSecret(name) != want {
			t.Errorf("%s: %v", name, !want)
		}
	}
	if got := withoutSecret("X-Api-Key", "k1"); got != "…" {
		t.Errorf("%q", got)
	}
}
