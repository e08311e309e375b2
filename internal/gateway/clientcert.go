package gateway

import (
	"encoding/pem"
	"net/http"
	"strings"
	"time"

	"freshet/internal/who"
)

// appendCertificate tells of the client's certificate that a guard has found to be
// good, by the names that Apache's mod_ssl gave to such variables. None has the
// prefix HTTP_, so that no field of a request can be taken for one.
func appendCertificate(dst []Var, r *http.Request) []Var {
	if r.TLS == nil {
		return dst
	}
	chain := who.Certificate(r)
	if chain == nil {
		return append(dst, Var{"SSL_CLIENT_VERIFY", "NONE"})
	}
	c := chain.Certificates[0]
	dst = append(dst,
		Var{"SSL_CLIENT_VERIFY", "SUCCESS"},
		Var{"SSL_CLIENT_M_SERIAL", strings.ToUpper(c.SerialNumber.Text(16))},
		Var{"SSL_CLIENT_S_DN", who.Subject(c)},
		Var{"SSL_CLIENT_I_DN", who.Issuer(c)},
		Var{"SSL_CLIENT_V_START", asn1Time(c.NotBefore)},
		Var{"SSL_CLIENT_V_END", asn1Time(c.NotAfter)},
		Var{"SSL_CLIENT_CERT", string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: c.Raw}))},
	)
	for _, v := range [...]Var{{"SSL_CLIENT_S_DN_CN", who.CommonName(c)}, {"SSL_CLIENT_SAN_Email_0", first(c.EmailAddresses)}, {"SSL_CLIENT_SAN_DNS_0", first(c.DNSNames)}} {
		if v.Value != "" {
			dst = append(dst, v)
		}
	}
	return withoutNUL(dst)
}

// withoutNUL leaves out what no variable can hold: a name in a certificate may have any
// octet, and a variable ends at a NUL.
func withoutNUL(vars []Var) []Var {
	kept := vars[:0]
	for _, v := range vars {
		if strings.IndexByte(v.Value, 0) < 0 {
			kept = append(kept, v)
		}
	}
	return kept
}

func first(all []string) string {
	if len(all) == 0 {
		return ""
	}
	return all[0]
}

// asn1Time writes a time as openssl prints it.
func asn1Time(t time.Time) string { return t.UTC().Format("Jan _2 15:04:05 2006 GMT") }
