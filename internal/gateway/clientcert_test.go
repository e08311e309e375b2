package gateway

import (
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"math/big"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"freshet/internal/who"
)

// TestCertificateVars: programs are told what a guard has found, and nothing of
// what a client says.
func TestCertificateVars(t *testing.T) {
	c := &x509.Certificate{
		Raw: []byte("der"), SerialNumber: big.NewInt(0xab1), Subject: pkix.Name{CommonName: "ann"}, Issuer: pkix.Name{CommonName: "ca"},
		NotBefore: time.Date(2030, 1, 2, 3, 4, 5, 0, time.UTC), NotAfter: time.Date(2031, 12, 31, 0, 0, 0, 0, time.UTC),
		EmailAddresses: []string{"ann@example.org", "b@example.org"}, DNSNames: []string{"a\x00b"},
	}
	r := httptest.NewRequest("GET", "https://x/", nil)
	r.Header["Ssl-Client-Verify"] = []string{"SUCCESS"}
	told := func() string {
		var all []string
		for _, v := range AppendVars(nil, r, &Script{Name: "/x"}, &VarOptions{}) {
			if strings.Contains(v.Name, "SSL_") {
				all = append(all, v.Name+"="+v.Value)
			}
		}
		return strings.Join(all, "|")
	}
	if got := told(); got != "SSL_CLIENT_VERIFY=NONE|HTTP_SSL_CLIENT_VERIFY=SUCCESS" {
		t.Errorf("without a certificate: %s", got)
	}
	r.TLS = &tls.ConnectionState{PeerCertificates: []*x509.Certificate{c}}
	if got := told(); !strings.HasPrefix(got, "SSL_CLIENT_VERIFY=NONE|HTTP_") {
		t.Errorf("with one that nobody has looked at: %s", got)
	}
	r = who.WithCertificate(r, who.NewChain([]*x509.Certificate{c}))
	const want = "SSL_CLIENT_VERIFY=SUCCESS|SSL_CLIENT_M_SERIAL=AB1|SSL_CLIENT_S_DN=CN=ann|SSL_CLIENT_I_DN=CN=ca|SSL_CLIENT_V_START=Jan  2 03:04:05 2030 GMT|" +
		"SSL_CLIENT_V_END=Dec 31 00:00:00 2031 GMT|SSL_CLIENT_CERT=-----BEGIN CERTIFICATE-----\nZGVy\n-----END CERTIFICATE-----\n|SSL_CLIENT_S_DN_CN=ann|SSL_CLIENT_SAN_Email_0=ann@example.org|HTTP_SSL_CLIENT_VERIFY=SUCCESS"
	if got := told(); got != want {
		t.Errorf("got %q", got)
	}
}
