package authority

import (
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"net"
	"strings"
	"sync"
	"testing"
	"time"
)

func TestLeaf(t *testing.T) {
	a := made(t, Options{})
	for host, as := range map[string]string{
		"www.example.org": "www.example.org", "WWW.EXAMPLE.ORG.": "www.example.org", "localhost": "localhost", "under_score.test": "under_score.test",
		"192.0.2.1": "192.0.2.1", "[2001:db8::1]": "2001:db8::1", "::ffff:192.0.2.2": "192.0.2.2",
		strings.Repeat("a.", 40) + "test": strings.Repeat("a.", 40) + "test",
	} {
		c, err := a.Leaf(host)
		if err != nil {
			t.Errorf("%s: %v", host, err)
			continue
		}
		if err := verify(a, c.Leaf, as, x509.ExtKeyUsageServerAuth); err != nil || len(c.Certificate) != 2 {
			t.Errorf("%s: %v", host, err)
		}
		if life := c.Leaf.NotAfter.Sub(c.Leaf.NotBefore).Round(time.Minute); life > LeafLife+backdated {
			t.Errorf("%s: it lives %v", host, life)
		}
	}
	for _, host := range []string{"", "*.example.org", "a b", "a/b", "127.1", "é.test", "fe80::1%lo", "a.test:1", strings.Repeat("a.", 127) + "test", "x\x00.test"} {
		if c, err := a.Leaf(host); err == nil {
			t.Errorf("%q: %v", host, c.Leaf.DNSNames)
		}
	}
	if n := a.leaves.len(); n != 7 {
		t.Errorf("%d are kept", n)
	}
}

func TestLeafOnce(t *testing.T) {
	a := made(t, Options{})
	var wg sync.WaitGroup
	got := make([]*tls.Certificate, 16)
	for i := range got {
		wg.Go(func() { got[i], _ = a.Leaf("same.test") })
	}
	wg.Wait()
	for _, c := range got {
		if c == nil || c != got[0] {
			t.Fatal("signed more than once")
		}
	}
	other, err := a.Leaf("other.test")
	if err != nil || other.PrivateKey != got[0].PrivateKey {
		t.Error("another key", err)
	}
}

func TestLeavesAreBounded(t *testing.T) {
	a := made(t, Options{})
	first, err := a.Leaf("first.test")
	if err != nil {
		t.Fatal(err)
	}
	now := time.Now()
	for i := range MaxLeaves + 50 {
		a.leaves.find(fmt.Sprint("n", i), now)
		if i == 20 {
			if again, _ := a.Leaf("first.test"); again != first {
				t.Error("it was not kept")
			}
		}
	}
	if n := a.leaves.len(); n != MaxLeaves || len(a.leaves.byHost) != n {
		t.Errorf("%d and %d are kept", n, len(a.leaves.byHost))
	}
	if a.leaves.byHost["first.test"] != nil {
		t.Error("the one that was asked for longest ago is there")
	}
}

func TestLeafOverTime(t *testing.T) {
	a := made(t, Options{Life: 30 * day})
	now := time.Now()
	a.now = func() time.Time { return now }
	leaf := func() *tls.Certificate {
		t.Helper()
		c, err := a.Leaf("a.test")
		if err != nil {
			t.Fatal(err)
		}
		return c
	}
	first := leaf()
	now = now.Add(LeafReuse - time.Second)
	if leaf() != first {
		t.Error("not reused")
	}
	now = now.Add(2 * time.Second)
	second := leaf()
	if second == first || !second.Leaf.NotAfter.After(first.Leaf.NotAfter) {
		t.Error("reused for too long")
	}
	now = now.Add(-3 * day) // the clock was set back
	if c := leaf(); c == second || !c.Leaf.NotAfter.Before(second.Leaf.NotAfter) {
		t.Error("of a future day")
	}
	now = a.cert.NotAfter.Add(-time.Hour)
	if c := leaf(); c.Leaf.NotAfter.After(a.cert.NotAfter) {
		t.Error("it outlives its authority")
	}
	now = a.cert.NotAfter.Add(LeafReuse)
	for range 2 {
		if _, err := a.Leaf("a.test"); err == nil || !strings.Contains(err.Error(), "expired") {
			t.Errorf("%v", err)
		}
	}
	if a.leaves.len() != 0 {
		t.Error("a failure is kept")
	}
}

func TestLeafIsNotCovered(t *testing.T) {
	a := made(t, Options{Permit: []string{"home.test"}})
	if _, err := a.Leaf("www.example.org"); err == nil || !strings.Contains(err.Error(), "does not vouch") {
		t.Errorf("%v", err)
	}
	if a.leaves.len() != 0 {
		t.Error("a refusal takes room")
	}
}

// Real handshakes: by name, by the host that was meant, and by neither.
func TestGetCertificate(t *testing.T) {
	a := made(t, Options{})
	for _, tt := range []struct{ fallback, sni, verifyAs, want string }{
		{"", "www.test", "www.test", ""},
		{"192.0.2.1", "", "192.0.2.1", ""},
		{"192.0.2.1", "www.test", "www.test", ""},
		{"", "", "", "remote error"},
	} {
		client, server := net.Pipe()
		var wg sync.WaitGroup
		wg.Go(func() {
			defer server.Close()
			tls.Server(server, &tls.Config{GetCertificate: a.GetCertificate(tt.fallback)}).Handshake()
		})
		c := tls.Client(client, &tls.Config{ServerName: tt.sni, InsecureSkipVerify: true, VerifyConnection: func(s tls.ConnectionState) error {
			return verify(a, s.PeerCertificates[0], tt.verifyAs, x509.ExtKeyUsageServerAuth)
		}})
		err := c.Handshake()
		if (err == nil) != (tt.want == "") || err != nil && !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%+v: %v", tt, err)
		}
		client.Close()
		wg.Wait()
	}
}

// Whatever gets a leaf is what verifiers take it for.
func FuzzLeaf(f *testing.F) {
	for _, host := range []string{"www.example.org", "[::1]", "10.0.0.1", "a_b.test.", "*.test", "xn--bcher-kva.test", "::ffff:1.2.3.4", "0x7f.1", "a.1", "localhost"} {
		f.Add(host)
	}
	a := made(f, Options{})
	f.Fuzz(func(t *testing.T, host string) {
		c, err := a.Leaf(host)
		if err != nil {
			return
		}
		if n := len(c.Leaf.DNSNames) + len(c.Leaf.IPAddresses); n != 1 || strings.ContainsAny(host, "*") {
			t.Fatalf("%q: %d names", host, n)
		}
		as := strings.TrimSuffix(host, ".")
		if len(c.Leaf.IPAddresses) > 0 {
			as = c.Leaf.IPAddresses[0].String()
		}
		if err := verify(a, c.Leaf, as, x509.ExtKeyUsageServerAuth); err != nil {
			t.Errorf("%q: %v", host, err)
		}
	})
}

func BenchmarkLeafNew(b *testing.B) {
	a := made(b, Options{})
	n, _ := parseName("www.example.org")
	for b.Loop() {
		if _, err := a.signLeaf(n); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkLeafKept(b *testing.B) {
	a := made(b, Options{})
	for b.Loop() {
		if _, err := a.Leaf("www.example.org"); err != nil {
			b.Fatal(err)
		}
	}
}
