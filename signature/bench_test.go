package signature

import (
	"crypto/hmac"
	"crypto/sha256"
	"fmt"
	"net/http"
	"testing"
	"time"
)

// signedRequest is a message with what the benchmarks compare: its base and its
// signature.
type signedRequest struct {
	message   *Message
	base, sig []byte
}

// manyRequests are requests of one signer: each has another body, another nonce
// and another time, so that what was found out about one is of no use for the
// next.
func manyRequests(tb testing.TB, k *Key, now time.Time) (all []signedRequest) {
	for i := range 64 {
		m := parseMessage(tb, fmt.Sprintf("POST /foo?param=Value&Pet=%03d HTTP/1.1\nHost: example.com\nContent-Type: application/json\n"+
			"Content-Digest: sha-512=:WZDPaVn/7XgHaAy8pmojAkGWoRx2UFChF41A2svX+TaPm+AbwAgBWnrIiYllu7BNNyealdVLvRwEmTHWXv%04dew==:\n\n{}", i, i))
		signed, err := Sign(m, k, Params{
			Components: []string{"@method", "@target-uri", "content-type", "content-digest"},
			Created:    now.Add(time.Duration(-i) * time.Second), Nonce: fmt.Sprintf("b3k2pp5k7z-50gnwp.%04d", i), Alg: true,
		})
		if err != nil {
			tb.Fatal(err)
		}
		r := signedRequest{message: withFields(m, signed)}
		r.message.Header = Header(r.message.Header.(http.Header))
		if r.base, err = Base(r.message, "sig1"); err != nil {
			tb.Fatal(err)
		}
		_, members, _ := r.message.signatures()
		r.sig = decoded(tb, members[0].Text)
		all = append(all, r)
	}
	return all
}

// BenchmarkVerify is what verifying a request costs, all of it (whole), and the
// primitive alone on the same bytes: with what a Verifier keeps (bare) and, of
// HMAC, with a hash that is made for each (plain). ratio has whole by bare, and
// by plain:
//
//	go test -run '^$' -bench Verify -benchtime 2000x -count 5 ./signature
func BenchmarkVerify(b *testing.B) {
	keys := testKeys(b)
	now := time.Unix(1618884473, 0)
	for _, name := range []string{"test-key-ed25519", "test-key-ecc-p256", "test-key-rsa-pss", "test-shared-secret"} {
		all := manyRequests(b, keys[name+".private"], now)
		k := keys[name+".public"]
		set, policy := KeySet(k), Policy{Nonce: true}
		var w Verifier
		i := 0
		next := func() *signedRequest {
			i++
			return &all[i%len(all)]
		}
		whole := func(r *signedRequest) {
			if v := w.Verify(r.message, set, &policy, now); v.Outcome != Verified {
				b.Fatal(v.Err())
			}
		}
		bare := func(r *signedRequest) {
			if !k.verify(r.base, r.sig, &w.macs) {
				b.Fatal("not verified")
			}
		}
		plain := func(r *signedRequest) {
			h := hmac.New(sha256.New, k.secret)
			h.Write(r.base)
			if !hmac.Equal(h.Sum(nil), r.sig) {
				b.Fatal("not verified")
			}
		}
		checks := []struct {
			name  string
			check func(*signedRequest)
		}{{"whole", whole}, {"bare", bare}, {"plain", plain}}
		if k.Algorithm() != HMAC {
			checks = checks[:2]
		}
		for _, c := range checks {
			b.Run(name+"/"+c.name, func(b *testing.B) {
				b.ReportAllocs()
				for b.Loop() {
					c.check(next())
				}
			})
		}
		b.Run(name+"/ratio", func(b *testing.B) {
			// In turn, a few at a time so that the clock itself does not count,
			// and of each the fastest: what else the machine does is in none.
			const few = 16
			var least [3]time.Duration
			for b.Loop() {
				for j, c := range checks {
					t0 := time.Now()
					for range few {
						c.check(next())
					}
					if took := time.Since(t0); least[j] == 0 || took < least[j] {
						least[j] = took
					}
				}
			}
			b.ReportMetric(float64(least[0])/few, "ns/whole")
			b.ReportMetric(float64(least[0])/float64(least[1]), "×bare")
			if least[2] > 0 {
				b.ReportMetric(float64(least[0])/float64(least[2]), "×plain")
			}
		})
	}
}

// BenchmarkSteps is where the time of verifying goes besides the key's check:
// finding the two fields, reading them in place, and making the base. Copying the
// base alone is what cannot be saved.
func BenchmarkSteps(b *testing.B) {
	all := manyRequests(b, testKeys(b)["test-shared-secret.private"], time.Unix(1618884473, 0))
	var e entry
	var base []byte
	i := 0
	steps := []struct {
		name string
		step func(r *signedRequest)
	}{
		{"find", func(r *signedRequest) {
			r.message.linesOf(inputField, "signature-input", false)
			r.message.linesOf(signatureField, "signature", false)
		}},
		{"find and read", func(r *signedRequest) {
			in := r.message.linesOf(inputField, "signature-input", false)
			e.forget()
			if sig := r.message.linesOf(signatureField, "signature", false); !e.scan(in[0], sig[0]) {
				b.Fatal("not read")
			}
		}},
		{"base", func(r *signedRequest) { base, _, _ = r.message.appendBase(base[:0], &e, new(reading)) }},
		{"copy", func(r *signedRequest) { base = append(base[:0], r.base...) }},
	}
	for _, s := range steps {
		b.Run(s.name, func(b *testing.B) {
			const few = 16
			var least time.Duration
			for b.Loop() {
				t0 := time.Now()
				for range few {
					i++
					s.step(&all[i%len(all)])
				}
				if took := time.Since(t0); least == 0 || took < least {
					least = took
				}
			}
			b.ReportMetric(float64(least)/few, "ns/step")
		})
	}
}
