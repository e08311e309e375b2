// Command origin is the server behind the caches that are compared: the
// answers of package origin, and the files of a folder, without its folders.
package main

import (
	"flag"
	"log"
	"os"
	"path/filepath"

	"freshet/bench/internal/origin"
)

func main() {
	listen := flag.String("listen", "127.0.0.1:8080", "address")
	root := flag.String("root", ".", "folder")
	flag.Parse()
	files, err := read(*root)
	if err != nil {
		log.Fatal(err)
	}
	if _, err := origin.Start(*listen, files); err != nil {
		log.Fatal(err)
	}
	select {}
}

func read(root string) (map[string][]byte, error) {
	entries, err := os.ReadDir(root)
	if err != nil {
		return nil, err
	}
	files := map[string][]byte{}
	for _, e := range entries {
		if !e.Type().IsRegular() {
			continue
		}
		body, err := os.ReadFile(filepath.Join(root, e.Name()))
		if err != nil {
			return nil, err
		}
		files["/"+e.Name()] = body
	}
	return files, nil
}
