package httpd

import (
	"crypto/tls"
	"errors"
	"net/http"
	"slices"

	"freshet/internal/follow"
)

// tlsConfig completes TLSConfig: the certificate of the files, read again when
// they change, and the protocols that are spoken.
func (s *Server) tlsConfig(certFile, keyFile string) (*tls.Config, error) {
	tc := &tls.Config{}
	if s.TLSConfig != nil {
		tc = s.TLSConfig.Clone()
	}
	CompleteTLS(tc)
	if certFile == "" && keyFile == "" {
		if len(tc.Certificates) == 0 && tc.GetCertificate == nil && tc.GetConfigForClient == nil {
			return nil, errors.New("httpd: TLS needs a certificate: none in TLSConfig, and no files given")
		}
		return tc, nil
	}
	pair, err := follow.OpenKeyPair(certFile, keyFile, func(err error) {
		s.logf("httpd: %v; serving the previous certificate", err)
	})
	if err != nil {
		return nil, err
	}
	tc.Certificates = nil
	tc.GetCertificate = pair.Get
	return tc, nil
}

// CompleteTLS adds to a configuration what it does not say: the protocols, TLS 1.2
// and 1.3, ciphers with forward secrecy that encrypt and authenticate in one, and
// key exchanges, those first that are safe from quantum computers. Go's GODEBUG
// (tls10server, tlsrsakex, tls3des) does not weaken that. A server does it
// by itself, but for what GetConfigForClient returns, which is used as it is.
func CompleteTLS(c *tls.Config) {
	for _, proto := range tlsProtocols() {
		if !slices.Contains(c.NextProtos, proto) {
			c.NextProtos = append(c.NextProtos, proto)
		}
	}
	if c.MinVersion == 0 {
		c.MinVersion = tls.VersionTLS12
	}
	if c.CipherSuites == nil {
		c.CipherSuites = []uint16{
			tls.TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256, tls.TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256,
			tls.TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384, tls.TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384,
			tls.TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256, tls.TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256,
		}
	}
	if c.CurvePreferences == nil {
		c.CurvePreferences = []tls.CurveID{tls.X25519MLKEM768, tls.SecP256r1MLKEM768, tls.SecP384r1MLKEM1024, tls.X25519, tls.CurveP256, tls.CurveP384, tls.CurveP521}
	}
}

// tlsProtocols are the protocols that are offered over TLS (ALPN, RFC 7301).
func tlsProtocols() []string { return []string{"h2", "http/1.1", "http/1.0"} }

// startTLS does the handshake, if whoever accepted the connection has not. It is
// false when the connection is over, or was served as HTTP/2.
func (c *conn) startTLS() bool {
	tc := c.nc.(*tls.Conn)
	if err := tc.HandshakeContext(c.from.base); err != nil {
		var notTLS tls.RecordHeaderError
		if errors.As(err, &notTLS) && looksLikeHTTP(notTLS.RecordHeader) {
			c.tcp.Write(c.srv.appendRefusal(nil, c.now, c.requestID(), 400, "this port speaks TLS: use https", false))
			lingerOn(c.tcp)
		}
		c.closed()
		return false
	}
	st := tc.ConnectionState()
	if st.NegotiatedProtocol == "acme-tls/1" {
		c.closed() // the handshake was all of it (RFC 8737 §3)
		return false
	}
	c.sc.Arrived()
	c.tls = &st
	if st.NegotiatedProtocol == "h2" {
		ctx := c.baseContext()
		if c.srv.ConnState != nil {
			c.setState(http.StateActive)
		}
		c.srv.h2.serve(c.srv, tc, ctx)
		c.closed()
		return false
	}
	c.sc.Arm(Monotonic(), c.srv.times.head)
	c.sc.Waits()
	return true
}

func looksLikeHTTP(hdr [5]byte) bool {
	switch string(hdr[:]) {
	case "GET /", "HEAD ", "POST ", "PUT /", "OPTIO", "DELET", "PATCH":
		return true
	}
	return false
}
