// Command fileserver serves a folder with Go's http.FileServer, for comparison.
package main

import (
	"flag"
	"log"
	"net/http"
)

func main() {
	listen := flag.String("listen", "127.0.0.1:8080", "address")
	root := flag.String("root", ".", "folder")
	cert := flag.String("tls-cert", "", "certificate file; with it, TLS")
	key := flag.String("tls-key", "", "key file")
	flag.Parse()
	s := &http.Server{Addr: *listen, Handler: http.FileServer(http.Dir(*root))}
	if *cert != "" {
		log.Fatal(s.ListenAndServeTLS(*cert, *key))
	}
	log.Fatal(s.ListenAndServe())
}
