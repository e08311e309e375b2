// Command privateproxy puts the cache of package client where the public cache
// suite can reach it: whatever it is asked for, it asks the origin for by a
// client.Transport. It is for the suite alone, and no proxy: it adds no Via, and
// serves one user.
package main

import (
	"flag"
	"fmt"
	"io"
	"log"
	"net/http"
	"net/http/httputil"
	"net/url"
	"os"
	"os/signal"
	"syscall"

	"freshet/client"
)

func main() {
	listen := flag.String("listen", "127.0.0.1:0", "`address` to listen on")
	to := flag.String("to", "", "`URL` of the origin")
	folder := flag.String("folder", "", "keep answers in this `folder`; without it, in memory")
	flag.Parse()
	if err := run(*listen, *to, *folder); err != nil {
		fmt.Fprintln(os.Stderr, "privateproxy:", err)
		os.Exit(1)
	}
}

func run(listen, to, folder string) error {
	origin, err := url.Parse(to)
	if err != nil {
		return err
	}
	kept, err := client.OpenCache(folder, client.CacheOptions{})
	if err != nil {
		return err
	}
	defer kept.Close()
	transport := &client.Transport{Cache: kept}
	front := &http.Server{
		Addr: listen,
		Handler: &httputil.ReverseProxy{
			Rewrite: func(r *httputil.ProxyRequest) {
				r.SetURL(origin)
				if r.In.UserAgent() == "" {
					r.Out.Header["User-Agent"] = nil
				}
			},
			Transport: transport,
			ModifyResponse: func(resp *http.Response) error {
				// What the origin left out stays out.
				for _, name := range []string{"Date", "Content-Type"} {
					if _, there := resp.Header[name]; !there {
						resp.Header[name] = nil
					}
				}
				return nil
			},
			ErrorHandler: func(w http.ResponseWriter, _ *http.Request, err error) {
				w.WriteHeader(http.StatusBadGateway)
				fmt.Fprintln(w, err)
			},
			ErrorLog: log.New(io.Discard, "", 0),
		},
	}
	ended := make(chan os.Signal, 1)
	signal.Notify(ended, os.Interrupt, syscall.SIGTERM)
	go func() {
		<-ended
		front.Close()
	}()
	if err := front.ListenAndServe(); err != http.ErrServerClosed {
		return err
	}
	return nil
}
