// Program embed serves the folder that its second argument names, on the address
// that its first one names: embed :8000 public. It shows how a program embeds the
// engine and the static files, and is nothing more.
package main

import (
	"log"
	"os"

	"freshet/httpd"
	"freshet/static"
)

func main() {
	site, err := static.New(static.Options{Root: os.Args[2]})
	if err != nil {
		log.Fatal(err)
	}
	server := httpd.Server{Addr: os.Args[1], Handler: site, Hot: site}
	log.Fatal(server.ListenAndServe())
}
