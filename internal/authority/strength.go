package authority

import "crypto/x509"

// What is too weak to be trusted is decided here, for servers and for mail.

// LeastRSA is how many bits an RSA key has to have.
const LeastRSA = 2048

// leastBits are the sizes below which keys can be broken.
var leastBits = map[x509.PublicKeyAlgorithm]int{x509.RSA: LeastRSA, x509.ECDSA: 256}

// ShortKey says what the key of a certificate is, and whether it is too short.
func ShortKey(c *x509.Certificate) (kind string, short bool) {
	kind, bits := keyKind(c)
	return kind, bits > 0 && bits < leastBits[c.PublicKeyAlgorithm]
}

// ForgeableSignature reports whether certificates can be forged that are signed
// so.
func ForgeableSignature(a x509.SignatureAlgorithm) bool {
	switch a {
	case x509.SHA1WithRSA, x509.ECDSAWithSHA1, x509.DSAWithSHA1, x509.MD5WithRSA, x509.MD2WithRSA:
		return true
	}
	return false
}
