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
	for _, proto := range TLSProtocols() {
		if !slices.Contains(tc.NextProtos, proto) {
			tc.NextProtos = append(tc.NextProtos, proto)
		}
	}
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

// TLSProtocols are the protocols that are offered over TLS (ALPN, RFC 7301), for
// those who choose a configuration for each client: what GetConfigForClient
// returns is used as it is.
func TLSProtocols() []string { return []string{"h2", "http/1.1", "http/1.0"} }

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
