package forward_test

import (
	"crypto/tls"
	"crypto/x509"
	"encoding/binary"
	"io"
	"net"
	"net/http"
	"testing"
)

// inTheClear is the connection of a client that has no keys yet when it sees a
// certificate of TLS 1.3: of OpenSSL. What it would send encrypted, an alert, goes
// as it is.
type inTheClear struct{ net.Conn }

func (c inTheClear) Write(p []byte) (int, error) {
	var out []byte
	for rest := p; len(rest) > 0; { // records (RFC 8446 §5.1)
		n := 5 + int(binary.BigEndian.Uint16(rest[3:]))
		if rest[0] == 23 { // application_data
			out = append(out, 21, 3, 3, 0, 2, 2, 48) // alert: fatal, unknown_ca
		} else {
			out = append(out, rest[:n]...)
		}
		rest = rest[n:]
	}
	_, err := c.Conn.Write(out)
	return len(p), err
}

// A client whose alerts cannot be read is let alone, too.
func TestPinsOfAlertsInTheClear(t *testing.T) {
	w := newWorld(t, nil)
	w.site("www.test", http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) { io.WriteString(rw, "the app's") }))
	for i := range 3 {
		c, _ := w.tunnel("www.test:443")
		if err := tls.Client(inTheClear{c}, &tls.Config{ServerName: "www.test", RootCAs: x509.NewCertPool(), MinVersion: tls.VersionTLS13}).Handshake(); err == nil {
			t.Fatal("the handshake was done")
		}
		io.Copy(io.Discard, c) // until the proxy has ended it
		c.Close()
		if got := w.rules(1)[0]; got != "filter-inspected" {
			t.Errorf("tunnel %d by %s", i, got)
		}
	}
	eventually(t, func() bool { return len(w.proxy.Pinned()) == 1 })
	if p := w.proxy.Pinned()[0]; p.Host != "www.test" || p.Why != "3 handshakes cut off on seeing the certificate" {
		t.Errorf("%+v", p)
	}
	client := w.client(false)
	client.Transport.(*http.Transport).TLSClientConfig.RootCAs = pool(w.root)
	if _, body := get(t, client, "https://www.test/"); body != "the app's" {
		t.Errorf("got %q", body)
	}
}
