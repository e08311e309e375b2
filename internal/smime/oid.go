package smime

import "encoding/asn1"

var (
	// RFC 5652 §4, §5, §6; RFC 5083
	oidData          = asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 7, 1}
	oidSigned        = asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 7, 2}
	oidEnveloped     = asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 7, 3}
	oidAuthEnveloped = asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 9, 16, 1, 23}

	// RFC 5652 §11, RFC 8551 §2.5.2
	oidContentType   = asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 9, 3}
	oidMessageDigest = asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 9, 4}
	oidSigningTime   = asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 9, 5}
	oidCapabilities  = asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 9, 15}

	oidSHA1   = asn1.ObjectIdentifier{1, 3, 14, 3, 2, 26}
	oidSHA256 = asn1.ObjectIdentifier{2, 16, 840, 1, 101, 3, 4, 2, 1}
	oidSHA384 = asn1.ObjectIdentifier{2, 16, 840, 1, 101, 3, 4, 2, 2}
	oidSHA512 = asn1.ObjectIdentifier{2, 16, 840, 1, 101, 3, 4, 2, 3}

	// RFC 8017, RFC 5754, RFC 8419
	oidRSA       = asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 1, 1}
	oidOAEP      = asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 1, 7}
	oidMGF1      = asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 1, 8}
	oidPSS       = asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 1, 10}
	oidRSASHA256 = asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 1, 11}
	oidRSASHA384 = asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 1, 12}
	oidRSASHA512 = asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 1, 13}
	oidEC        = asn1.ObjectIdentifier{1, 2, 840, 10045, 2, 1}
	oidECSHA256  = asn1.ObjectIdentifier{1, 2, 840, 10045, 4, 3, 2}
	oidECSHA384  = asn1.ObjectIdentifier{1, 2, 840, 10045, 4, 3, 3}
	oidECSHA512  = asn1.ObjectIdentifier{1, 2, 840, 10045, 4, 3, 4}
	oidEd25519   = asn1.ObjectIdentifier{1, 3, 101, 112}

	// RFC 3565, RFC 5084
	oidAES128CBC  = asn1.ObjectIdentifier{2, 16, 840, 1, 101, 3, 4, 1, 2}
	oidAES128Wrap = asn1.ObjectIdentifier{2, 16, 840, 1, 101, 3, 4, 1, 5}
	oidAES128GCM  = asn1.ObjectIdentifier{2, 16, 840, 1, 101, 3, 4, 1, 6}
	oidAES192CBC  = asn1.ObjectIdentifier{2, 16, 840, 1, 101, 3, 4, 1, 22}
	oidAES192Wrap = asn1.ObjectIdentifier{2, 16, 840, 1, 101, 3, 4, 1, 25}
	oidAES192GCM  = asn1.ObjectIdentifier{2, 16, 840, 1, 101, 3, 4, 1, 26}
	oidAES256CBC  = asn1.ObjectIdentifier{2, 16, 840, 1, 101, 3, 4, 1, 42}
	oidAES256Wrap = asn1.ObjectIdentifier{2, 16, 840, 1, 101, 3, 4, 1, 45}
	oidAES256GCM  = asn1.ObjectIdentifier{2, 16, 840, 1, 101, 3, 4, 1, 46}

	// RFC 5753 §7.1.4: ECDH with a key of the moment, by the digest of its KDF.
	// Where the cofactor is 1 the second form is the same.
	oidECDHSHA1        = asn1.ObjectIdentifier{1, 3, 133, 16, 840, 63, 0, 2}
	oidECDHSHA256      = asn1.ObjectIdentifier{1, 3, 132, 1, 11, 1}
	oidECDHSHA384      = asn1.ObjectIdentifier{1, 3, 132, 1, 11, 2}
	oidECDHSHA512      = asn1.ObjectIdentifier{1, 3, 132, 1, 11, 3}
	oidCofactorSHA1    = asn1.ObjectIdentifier{1, 3, 133, 16, 840, 63, 0, 3}
	oidCofactorSHA256  = asn1.ObjectIdentifier{1, 3, 132, 1, 14, 1}
	oidCofactorSHA384  = asn1.ObjectIdentifier{1, 3, 132, 1, 14, 2}
	oidCofactorSHA512  = asn1.ObjectIdentifier{1, 3, 132, 1, 14, 3}
	oidPBES2           = asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 5, 13} // RFC 8018
	oidPBKDF2          = asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 5, 12}
	oidHMACSHA1        = asn1.ObjectIdentifier{1, 2, 840, 113549, 2, 7}
	oidHMACSHA256      = asn1.ObjectIdentifier{1, 2, 840, 113549, 2, 9}
	oidHMACSHA384      = asn1.ObjectIdentifier{1, 2, 840, 113549, 2, 10}
	oidHMACSHA512      = asn1.ObjectIdentifier{1, 2, 840, 113549, 2, 11}
	oidSubjectMailName = asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 9, 1} // RFC 2985 §5.2.1
)

// weakNames are what is refused, by name.
var weakNames = map[string]string{
	"1.2.840.113549.2.2":      "MD2",
	"1.2.840.113549.2.4":      "MD4",
	"1.2.840.113549.2.5":      "MD5",
	"1.3.14.3.2.26":           "SHA-1",
	"1.3.36.3.2.1":            "RIPEMD-160",
	"2.16.840.1.101.3.4.2.4":  "SHA-224",
	"1.2.840.113549.1.1.2":    "MD2 with RSA",
	"1.2.840.113549.1.1.4":    "MD5 with RSA",
	"1.2.840.113549.1.1.5":    "SHA-1 with RSA",
	"1.2.840.113549.1.1.14":   "SHA-224 with RSA",
	"1.3.14.3.2.29":           "SHA-1 with RSA",
	"1.2.840.10040.4.1":       "DSA",
	"1.2.840.10040.4.3":       "DSA with SHA-1",
	"2.16.840.1.101.3.4.3.1":  "DSA with SHA-224",
	"2.16.840.1.101.3.4.3.2":  "DSA with SHA-256",
	"2.16.840.1.101.3.4.3.3":  "DSA with SHA-384",
	"2.16.840.1.101.3.4.3.4":  "DSA with SHA-512",
	"1.2.840.10045.4.1":       "ECDSA with SHA-1",
	"1.2.840.10045.4.3.1":     "ECDSA with SHA-224",
	"1.3.14.3.2.7":            "DES",
	"1.2.840.113549.3.7":      "Triple DES",
	"1.2.840.113549.3.2":      "RC2",
	"1.2.840.113549.3.4":      "RC4",
	"1.2.840.113533.7.66.10":  "CAST5",
	"1.2.840.113549.1.5.1":    "MD2 with DES",
	"1.2.840.113549.1.5.3":    "MD5 with DES",
	"1.2.840.113549.1.5.4":    "MD2 with RC2",
	"1.2.840.113549.1.5.6":    "MD5 with RC2",
	"1.2.840.113549.1.5.10":   "SHA-1 with DES",
	"1.2.840.113549.1.5.11":   "SHA-1 with RC2",
	"1.2.840.113549.1.12.1.1": "SHA-1 with RC4",
	"1.2.840.113549.1.12.1.3": "SHA-1 with Triple DES",
	"1.2.840.113549.1.12.1.5": "SHA-1 with RC2",
	"1.2.840.113549.1.12.1.6": "SHA-1 with RC2",
}

// nameOf names an algorithm that is not one of ours.
func nameOf(id asn1.ObjectIdentifier) string {
	if name := weakNames[id.String()]; name != "" {
		return name
	}
	return id.String()
}

func isWeak(id asn1.ObjectIdentifier) bool { return weakNames[id.String()] != "" }
