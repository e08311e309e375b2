// Command hello runs one small handler on our engine or on Go's, for
// comparison. Its page /memory says what the program's heap and stacks hold.
package main

import (
	"flag"
	"fmt"
	"io"
	"log"
	"net/http"
	"runtime"
	"time"

	"freshet/httpd"
)

func main() {
	listen := flag.String("listen", "127.0.0.1:8080", "address")
	engine := flag.String("engine", "httpd", "httpd or net/http")
	flag.Parse()
	handler := http.HandlerFunc(hello)
	const idle = 10 * time.Minute
	switch *engine {
	case "httpd":
		s := &httpd.Server{Addr: *listen, Handler: handler, IdleTimeout: idle}
		log.Fatal(s.ListenAndServe())
	case "net/http":
		s := &http.Server{Addr: *listen, Handler: handler, IdleTimeout: idle}
		log.Fatal(s.ListenAndServe())
	}
	log.Fatalf("no engine is called %q: there are httpd and net/http", *engine)
}

func hello(w http.ResponseWriter, r *http.Request) {
	if r.URL.Path == "/memory" {
		memory(w)
		return
	}
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	io.WriteString(w, "hello, world\n")
}

// memory answers with the bytes of heap and stacks in use after a collection.
func memory(w http.ResponseWriter) {
	runtime.GC() // finishes what a collection under way has left
	runtime.GC() // collects what only finalizers and pools still held
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	fmt.Fprintf(w, "%d\n", m.HeapInuse+m.StackInuse)
}
