package acme_test

import (
	"crypto/tls"
	"log"
	"log/slog"
	"net"
	"net/http"

	"freshet/internal/acme"
)

// A server on the ports where an authority asks.
func Example() {
	m, err := acme.Open(acme.Options{Names: []string{"example.org"}, Folder: "/var/lib/example/certificates", HTTP: true, TLS: true, Log: slog.Default()})
	if err != nil {
		log.Fatal(err)
	}
	defer m.Close()
	plain, err := net.Listen("tcp", ":80")
	if err != nil {
		log.Fatal(err)
	}
	secure, err := tls.Listen("tcp", ":443", &tls.Config{GetCertificate: m.GetCertificate, NextProtos: acme.Protocols})
	if err != nil {
		log.Fatal(err)
	}
	m.Start()
	go func() {
		log.Fatal(http.Serve(plain, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if !m.HTTPChallenge(w, r) {
				http.Redirect(w, r, "https://"+r.Host+r.URL.Path, http.StatusPermanentRedirect)
			}
		})))
	}()
	log.Fatal(http.Serve(secure, http.FileServer(http.Dir("public"))))
}
