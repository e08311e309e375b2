// Package acme has certificates that renew themselves: it asks an authority for
// them by ACME (RFC 8555), keeps them in a folder, and renews them when the
// authority suggests it (RFC 9773), or when a third of their life is left.
//
//	m, err := acme.Open(acme.Options{Names: []string{"example.org"}, Folder: dir, HTTP: true, Log: log})
//	server.TLSConfig = &tls.Config{GetCertificate: m.GetCertificate, NextProtos: acme.Protocols}
//	defer m.Close()
//	m.Start() // when the server listens
//
// It listens nowhere. That a name is ours is proven by the caller's listeners:
// a request to port 80 goes to [Manager.HTTPChallenge] first (HTTP-01, RFC 8555
// §8.3), a handshake on port 443 to [Manager.GetCertificate] (TLS-ALPN-01, RFC
// 8737); or by a program that changes the DNS (DNS-01, RFC 8555 §8.4).
//
// Each name has a certificate of its own, and a goroutine that looks after it,
// which Close waits for. A name that has none yet is refused; nobody is given
// the certificate of another name. What is due, and what failed, is in
// [Manager.State].
//
// Several processes may have one folder: one of them gets a certificate, the
// others find it there, and each of them can answer for a challenge of another.
// Locks are the system's, which end with the process that has them.
//
// It is no certificate authority (that is internal/authority), and it does not
// know which sites there are.
package acme
