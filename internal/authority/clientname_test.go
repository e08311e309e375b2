package authority_test

import (
	"crypto/x509"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"freshet/internal/authority"
)

// An authority that vouches for some domains only vouches for clients, too, as Go and
// OpenSSL see it; a client with a name that could be a host's is one of those.
func TestClientOfAConstrainedAuthority(t *testing.T) {
	a, err := authority.Create(t.TempDir(), authority.Options{Permit: []string{"home.arpa"}})
	if err != nil {
		t.Fatal(err)
	}
	roots := x509.NewCertPool()
	roots.AddCert(a.Certificate())
	for _, tt := range []struct {
		names  []string
		client bool
		hosts  []string
		refuse string // "": it is signed
	}{
		{[]string{"ann"}, true, nil, ""},
		{[]string{"Ann Lee"}, true, nil, ""},
		{[]string{"ann@a.example"}, true, nil, ""},
		{[]string{"ann.home.arpa"}, true, []string{"ann.home.arpa"}, ""},
		{[]string{"ann", "ann@a.example", "pc.home.arpa"}, true, []string{"pc.home.arpa"}, ""},
		{[]string{"ann.example"}, true, nil, "does not vouch for ann.example; a client's name may also be one word"},
		{[]string{"192.0.2.7"}, true, nil, "does not vouch for 192.0.2.7; a client's name may also be one word"},
		{[]string{"ann", "pc.example"}, true, nil, "does not vouch for pc.example"},
		{[]string{"ann.home.arpa", "ann"}, true, nil, "does not vouch for ann"},
		{[]string{"ann"}, false, nil, `does not vouch for ann; "freshet tls ca" says for what it does`},
	} {
		p, err := a.Cert(tt.names, authority.CertOptions{Client: tt.client})
		if tt.refuse != "" {
			if err == nil || !strings.Contains(err.Error(), tt.refuse) {
				t.Errorf("%q: %v, want %q", tt.names, err, tt.refuse)
			}
			continue
		}
		if err != nil {
			t.Errorf("%q: %v", tt.names, err)
			continue
		}
		if p.Leaf.Subject.CommonName != tt.names[0] || strings.Join(p.Leaf.DNSNames, " ") != strings.Join(tt.hosts, " ") {
			t.Errorf("%q: it is of %q, %q", tt.names, p.Leaf.Subject.CommonName, p.Leaf.DNSNames)
		}
		if _, err := p.Leaf.Verify(x509.VerifyOptions{Roots: roots, KeyUsages: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth}}); err != nil {
			t.Errorf("%q: %v", tt.names, err)
		}
		leaf := filepath.Join(t.TempDir(), "leaf.pem")
		if err := os.WriteFile(leaf, p.Cert, 0o600); err != nil {
			t.Fatal(err)
		}
		if out, err := exec.Command("openssl", "verify", "-purpose", "sslclient", "-CAfile", a.File(), leaf).CombinedOutput(); err != nil {
			t.Errorf("%q: openssl: %v, %s", tt.names, err, out)
		}
	}
}
