//go:build unix

package guard

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"fmt"
	"math/big"
	"syscall"
	"testing"
)

func cpu() int64 {
	var u syscall.Rusage
	syscall.Getrusage(syscall.RUSAGE_SELF, &u)
	return u.Utime.Nano() + u.Stime.Nano()
}

// What a token costs that nobody has signed: one of each algorithm, one that names no
// key where there are eight, and of RSA keys that are longer. docs/access.md has what
// comes of it.
func BenchmarkJWTWrong(b *testing.B) {
	s := theIssuer()
	var many []string
	for i := range maxJWTTried {
		k, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
		if err != nil {
			b.Fatal(err)
		}
		many = append(many, jwk(fmt.Sprint(i), k))
	}
	wrong := func(header string, octets int) string {
		sig := make([]byte, octets)
		rand.Read(sig)
		sig[0] &= 0x3f
		return b64([]byte(header)) + "." + b64([]byte(goodJWT)) + "." + b64(sig)
	}
	run := func(name string, set []byte, header string, octets int) {
		b.Run(name, func(b *testing.B) {
			g := newGate(b, set, JWTOptions{})
			token := wrong(header, octets)
			began := cpu()
			for b.Loop() {
				if _, refused, _ := g.ask(token); refused == 0 {
					b.Fatal("it passes")
				}
			}
			b.ReportMetric(float64(cpu()-began)/float64(b.N)/1e3, "cpu-µs/op")
		})
	}
	run("key unknown", s.set(), `{"alg":"ES256","kid":"x"}`, 64)
	run("EdDSA", s.set(), `{"alg":"EdDSA","kid":"d"}`, 64)
	run("ES256", s.set(), `{"alg":"ES256","kid":"e"}`, 64)
	run("ES256, any of 8", jwkSet(many...), `{"alg":"ES256"}`, 64)
	for _, bits := range []int{2048, 4096} {
		n, err := rand.Int(rand.Reader, new(big.Int).Lsh(big.NewInt(1), uint(bits-1)))
		if err != nil {
			b.Fatal(err)
		}
		n.SetBit(n.SetBit(n, bits-1, 1), 0, 1)
		run(fmt.Sprintf("RS256 %d", bits), jwkSet(jwk("r", &rsa.PrivateKey{PublicKey: rsa.PublicKey{N: n, E: 65537}})), `{"alg":"RS256","kid":"r"}`, bits/8)
	}
	run("RS256 4096, exponent of 31 bits", jwkSet(jwk("r", &rsa.PrivateKey{PublicKey: rsa.PublicKey{N: new(big.Int).SetBit(new(big.Int).Lsh(big.NewInt(3), 4094), 0, 1), E: 1<<31 - 1}})), `{"alg":"RS256","kid":"r"}`, 512)
}
