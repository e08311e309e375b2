package wiretest_test

import (
	"log/slog"
	"os"
	"path/filepath"
	"testing"
	"time"

	"freshet/cache"
	"freshet/internal/guard"
	"freshet/internal/wiretest"
	"freshet/proxy"
)

// guardKeys are the keys of the scripts: k1 has the secret "0123456789abcdef".
const guardKeys = "k2 ZmVkY2JhOTg3NjU0MzIxMA\nk1 30313233343536373839616263646566\n"

// TestGuardScripts runs scripts about signed URLs before a cache, whose
// signatures another program made: for the message of each, as it stands in the
// script,
//
//	printf %s MESSAGE | openssl dgst -sha256 -mac HMAC -macopt key:0123456789abcdef -binary | basenc --base64url | tr -d =
func TestGuardScripts(t *testing.T) {
	wiretest.RunFront(t, "testdata/guard/*.txtar", func(t testing.TB, f wiretest.Front, _ map[string]string, way wiretest.Way) wiretest.Server {
		log := slog.New(slog.NewTextHandler(t.Output(), nil))
		behind, err := proxy.New(proxy.Options{
			Origins: []string{"http://" + f.Origin}, ErrorLog: log,
			Now: func() time.Time { return time.Unix(0, f.Now()) },
		})
		if err != nil {
			t.Fatal(err)
		}
		store, err := cache.NewStore(cache.StoreOptions{ErrorLog: log})
		if err != nil {
			t.Fatal(err)
		}
		h, err := cache.New(cache.Options{Next: behind, Store: store, Profile: cache.Standard, ErrorLog: log, Now: f.Now})
		if err != nil {
			t.Fatal(err)
		}
		keys := filepath.Join(t.TempDir(), "links.keys")
		if err := os.WriteFile(keys, []byte(guardKeys), 0o600); err != nil {
			t.Fatal(err)
		}
		signed, err := guard.OpenSignedURL(keys, nil, f.Now, func(err error) { t.Error(err) })
		if err != nil {
			t.Fatal(err)
		}
		server := newServer(t)
		server.Handler = guard.Handler(h, signed)
		if way != wiretest.Cold {
			server.Hot = guard.Hot(h, signed)
		}
		return serve(t, server, way, func() {
			if err := store.Close(); err != nil {
				t.Errorf("close the store: %v", err)
			}
			behind.Close()
		})
	})
}
