package signature

import (
	"testing"
	"time"
)

// BenchmarkVerify is what verifying a request costs, all of it (whole), and the
// primitive alone (bare) on the same bytes; ratio has the one by the other:
//
//	go test -run '^$' -bench Verify -benchtime 2000x -count 5 ./signature
func BenchmarkVerify(b *testing.B) {
	keys := testKeys(b)
	m := parseMessage(b, "POST /foo?param=Value&Pet=dog HTTP/1.1\nHost: example.com\nContent-Type: application/json\n"+
		"Content-Digest: sha-512=:WZDPaVn/7XgHaAy8pmojAkGWoRx2UFChF41A2svX+TaPm+AbwAgBWnrIiYllu7BNNyealdVLvRwEmTHWXvJwew==:\n\n{}")
	now := time.Unix(1618884473, 0)
	for _, name := range []string{"test-key-ed25519", "test-key-ecc-p256", "test-key-rsa-pss", "test-shared-secret"} {
		signed, err := Sign(m, keys[name+".private"], Params{
			Components: []string{"@method", "@target-uri", "content-type", "content-digest"},
			Created:    now, Nonce: "b3k2pp5k7z-50gnwp.yemd", Alg: true,
		})
		if err != nil {
			b.Fatal(err)
		}
		req := withFields(m, signed)
		k := keys[name+".public"]
		set, policy := KeySet(k), Policy{Nonce: true}
		b.Run(name+"/whole", func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if v := Verify(req, set, &policy, now); v.Outcome != Verified {
					b.Fatal(v.Err())
				}
			}
		})
		base, err := Base(req, "sig1")
		if err != nil {
			b.Fatal(err)
		}
		_, members, _ := req.signatures()
		sig := decoded(b, members[0].Text)
		b.Run(name+"/bare", func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if !k.verify(base, sig) {
					b.Fatal("not verified")
				}
			}
		})
		b.Run(name+"/ratio", func(b *testing.B) {
			// Both in turn, and of each the fastest: what else the machine does
			// is in neither.
			whole, bare := time.Duration(1<<62), time.Duration(1<<62)
			for b.Loop() {
				t0 := time.Now()
				Verify(req, set, &policy, now)
				t1 := time.Now()
				k.verify(base, sig)
				whole, bare = min(whole, t1.Sub(t0)), min(bare, time.Since(t1))
			}
			b.ReportMetric(float64(whole)/float64(bare), "×bare")
		})
	}
}
