package smime

import (
	"crypto"
	"crypto/aes"
	"crypto/cipher"
	"crypto/pbkdf2"
	"errors"
	"fmt"
	"hash"
)

// maxIterations bounds what a file can make us count; a second or so.
const maxIterations = 10_000_000

// keyDerivations are the functions that PBKDF2 counts with. HMAC does not need
// what SHA-1 has lost, and the standard's default is that.
var keyDerivations = map[string]crypto.Hash{
	oidHMACSHA1.String(): crypto.SHA1, oidHMACSHA256.String(): crypto.SHA256,
	oidHMACSHA384.String(): crypto.SHA384, oidHMACSHA512.String(): crypto.SHA512,
}

// decryptKey reads an EncryptedPrivateKeyInfo (RFC 5958 §3) that PBES2 protects,
// with PBKDF2 and AES (RFC 8018 §6.2).
func decryptKey(der, passphrase []byte) (crypto.Signer, error) {
	const anew = "encrypt it anew: openssl pkcs8 -topk8 -v2 aes-256-cbc -in FILE -out NEW"
	all := cursor{rest: der}
	c := all.in(tagSequence)
	scheme := c.algorithm()
	sealed := c.take(tagOctets)
	if c.err() != nil || all.err() != nil {
		return nil, errors.New("its key cannot be read; give PKCS #8, PKCS #1 or SEC 1")
	}
	if !scheme.id.Equal(oidPBES2) {
		return nil, fmt.Errorf("its key is encrypted with %s, which can be broken, or is not known here; %s", nameOf(scheme.id), anew)
	}
	params := cursor{rest: scheme.params}
	p := params.in(tagSequence)
	derivation, enc := p.algorithm(), p.algorithm()
	iv := cursor{rest: enc.params}
	vector := iv.take(tagOctets)
	if !derivation.id.Equal(oidPBKDF2) {
		return nil, fmt.Errorf("its key is made of the passphrase by %s, which is not known here; %s", nameOf(derivation.id), anew)
	}
	size := 0
	for _, each := range contentCiphers {
		if enc.id.Equal(each.id) && !each.gcm {
			size = each.key
		}
	}
	if size == 0 {
		return nil, fmt.Errorf("its key is encrypted with %s, which can be broken, or is not known here; %s", nameOf(enc.id), anew)
	}
	kdf, err := readPBKDF2(derivation.params, size)
	if err != nil || p.err() != nil || params.err() != nil || iv.err() != nil || len(vector) != aes.BlockSize || len(sealed) == 0 || len(sealed)%aes.BlockSize != 0 {
		return nil, errors.Join(errors.New("its encrypted key cannot be read; "+anew), err)
	}
	if len(passphrase) == 0 {
		return nil, ErrPassphrase
	}
	key, err := kdf(string(passphrase))
	if err != nil {
		return nil, err
	}
	block, err := aes.NewCipher(key)
	if err != nil {
		return nil, err
	}
	plain := make([]byte, len(sealed))
	cipher.NewCBCDecrypter(block, vector).CryptBlocks(plain, sealed)
	if out, ok := unpad(plain); ok {
		if k, err := parseKey("PRIVATE KEY", out, nil); err == nil {
			return k, nil
		}
	}
	return nil, errors.New("the passphrase is not that of the key")
}

// readPBKDF2 reads PBKDF2-params (RFC 8018 appendix A.2).
func readPBKDF2(der []byte, size int) (func(passphrase string) ([]byte, error), error) {
	all := cursor{rest: der}
	c := all.in(tagSequence)
	salt, count := c.take(tagOctets), c.integer()
	if c.peek() == tagInteger && c.integer() != size {
		return nil, errors.New("it names another length of key")
	}
	function := crypto.SHA1
	if len(c.rest) > 0 {
		alg := c.algorithm()
		if function = keyDerivations[alg.id.String()]; function == 0 || !alg.plain() {
			return nil, fmt.Errorf("it counts with %s, which is not known here", alg.id)
		}
	}
	if c.err() != nil || all.err() != nil || count < 1 || len(salt) == 0 {
		return nil, errDER
	}
	if count > maxIterations {
		return nil, fmt.Errorf("it counts to %d, and more than %d is not counted here", count, maxIterations)
	}
	return func(passphrase string) ([]byte, error) {
		return pbkdf2.Key(func() hash.Hash { return function.New() }, passphrase, salt, count, size)
	}, nil
}
