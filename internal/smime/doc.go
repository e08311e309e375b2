// Package smime signs, verifies, encrypts and decrypts mail: S/MIME 4.0 (RFC
// 8551) over the Cryptographic Message Syntax (RFC 5652).
//
//	m, err := smime.NewMessage(text, smime.MessageOptions{})
//	mail, err := m.Sign(smime.SignOptions{Cert: cert, Key: key, Time: time.Now()})
//	report := smime.Verify(mail, smime.VerifyOptions{Roots: roots, Now: time.Now()})
//
// All is in memory, and the caller bounds it. The time, the keys and the bytes
// are arguments; nothing here reads a file or a clock.
//
// What it holds to:
//
//   - What was signed is what [Report.Content] has, byte for byte, and there is none
//     unless all signers verified. What stands beside the signed part of a mail (header
//     fields, a preamble, an epilogue) was signed by nobody and is in no result.
//   - What can be read in two ways is refused: two fields of one name, three parts, a
//     type that is not what is inside, signatures without attributes (they can be taken
//     from another message).
//   - Nothing weak is made. What is weak and signed is refused with the name of its
//     successor; so are ciphers that are broken.
//   - A message that cannot be decrypted has one error, whatever the fault of key,
//     padding or content (RFC 3218).
//
// CMS is written here on crypto and encoding/asn1. github.com/smallstep/pkcs7 was
// to do it: its reader ends the process on deep nesting and panics on wrong padding,
// ignores errors inside, finds no signer by key identifier, does not look at the
// content type that was signed, and verifies SHA-1; its envelopes are DES by a
// global variable, AES-GCM in a structure that nobody else reads (RFC 5083), and
// RSA only. What is left of it would be a hundred lines.
//
// It is no mail program: it does not look up revocations, directories or a
// recipient's preferences, and does not compress.
package smime
