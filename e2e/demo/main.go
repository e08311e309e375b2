// Command demo serves pages with every kind of section that the monitor's
// pages are made of, filled with invented numbers, so that the browser tests
// can try each of them, and events at the moment they choose:
//
//	go run ./demo -listen 127.0.0.1:8001 -tick 1s
//
// It prints the address it listens on. A POST to /demo/emit?event=NAME sends
// its body to all pages that are open, /demo/drop cuts their connections,
// /demo/down?on=1 refuses new ones, and /demo/streams lists what they asked.
package main

import (
	"bytes"
	"context"
	"flag"
	"fmt"
	"log"
	"net"
	"net/http"
	"time"

	"freshet/internal/monitor/ui"
)

func main() {
	listen := flag.String("listen", "127.0.0.1:0", "address to listen on")
	tick := flag.Duration("tick", 0, "send events of its own this often; 0 sends none")
	flag.Parse()
	ln, err := net.Listen("tcp", *listen)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Printf("http://%s/\n", ln.Addr())
	s := newStreams()
	if *tick > 0 {
		go play(context.Background(), s, *tick)
	}
	log.Fatal(http.Serve(ln, handler(s)))
}

// handler serves the pages, the assets, the events, and what steers them.
func handler(s *streams) http.Handler {
	mux := http.NewServeMux()
	mux.Handle(ui.AssetPath, ui.Handler())
	mux.Handle("GET /events", http.HandlerFunc(s.events))
	mux.HandleFunc("POST /demo/emit", s.emit)
	mux.HandleFunc("POST /demo/drop", s.drop)
	mux.HandleFunc("POST /demo/down", s.refuse)
	mux.HandleFunc("GET /demo/streams", s.list)
	mux.HandleFunc("GET /favicon.ico", func(w http.ResponseWriter, r *http.Request) {
		http.Redirect(w, r, ui.URL("icon.svg"), http.StatusFound)
	})
	for path, view := range views {
		mux.HandleFunc("GET "+path, func(w http.ResponseWriter, r *http.Request) { show(w, http.StatusOK, still(r, view(r))) })
	}
	mux.HandleFunc("POST /cache/purge", func(w http.ResponseWriter, r *http.Request) { show(w, http.StatusOK, purged(r)) })
	mux.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) { show(w, http.StatusNotFound, missing(r)) })
	return mux
}

// still makes a page one that does not load again, if that is asked for.
func still(r *http.Request, v *ui.View) *ui.View {
	q := r.URL.Query()
	if q.Get("reload") == "off" {
		v.Refresh = 0
	}
	q.Set("reload", "off")
	v.Still = "?" + q.Encode()
	return v
}

// show sends a page with the fields that the monitor sends.
func show(w http.ResponseWriter, code int, v *ui.View) {
	v.Host, v.Version, v.Uptime = "demo.example:8001", "freshet demo", "3 days"
	var b bytes.Buffer
	if err := ui.Page(&b, v); err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	h := w.Header()
	h.Set("Content-Type", "text/html; charset=utf-8")
	h.Set("Content-Security-Policy", ui.Policy)
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Cache-Control", "no-store")
	w.WriteHeader(code)
	_, _ = w.Write(b.Bytes()) // a client that left
}

// play sends events as a server under load would.
func play(ctx context.Context, s *streams, every time.Duration) {
	for n := 0; ; n++ {
		select {
		case <-ctx.Done():
			return
		case now := <-time.After(every):
			for _, e := range moment(n, now) {
				s.broadcast(e.name, e.data)
			}
		}
	}
}
