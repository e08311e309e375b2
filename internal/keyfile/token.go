package keyfile

// The algorithms by which tokens are signed (RFC 7518 §3.1, RFC 8037 §3.1). What a
// shared secret has signed could have been made by anybody who verifies it, so that
// there is none of these.
const (
	RS256 = "RS256" // RSASSA-PKCS1-v1_5 with SHA-256
	ES256 = "ES256" // ECDSA with P-256 and SHA-256
	EdDSA = "EdDSA" // Ed25519
)

// TokenAlgorithms are these, in the order in which they are told.
var TokenAlgorithms = []string{RS256, ES256, EdDSA}

// TokenSuccessor says what is to be used in the place of an algorithm of tokens, and
// whether the reason is that tokens could be forged.
func TokenSuccessor(name string) (successor string, weak bool) {
	switch name {
	case RS256, ES256, EdDSA:
		return name, false
	case "none", "HS256", "HS384", "HS512", "RS1":
		return ES256, true
	case "RS384", "RS512", "PS256", "PS384", "PS512":
		return RS256, false
	case "Ed25519", "Ed448":
		return EdDSA, false
	}
	return ES256, false
}
