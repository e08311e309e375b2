package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"strconv"
	"strings"
)

// scenario is what proxies are asked for.
type scenario struct {
	name, what, path string
	accept           string // what the client says that it wants
	refused          bool   // 403 is an answer, too
	verify           func(p *proxy, body string) error
}

var scenarios = []scenario{
	{"hit", "1 KiB of text from the cache", "/text", "*/*", false, func(_ *proxy, body string) error {
		if body != text {
			return errors.New("not what the server sent")
		}
		return nil
	}},
	{"page", fmt.Sprintf("a page of %d KiB that may not be kept; a style sheet that hides %d things is put in", len(page)>>10, hidden), "/page", "text/html,*/*;q=0.8", false, func(_ *proxy, body string) error {
		if !strings.Contains(body, ".banner-7") || !strings.Contains(body, "the end of the page") {
			return errors.New("the page was not filtered, or not whole")
		}
		return nil
	}},
	{"blocked", "an image that a list blocks", "/x/banners199/top.gif", "image/*,*/*;q=0.8", true, func(_ *proxy, body string) error {
		if strings.Contains(body, "an advertisement") {
			return errors.New("it was not blocked")
		}
		return nil
	}},
}

// text is what is kept.
var text = strings.Repeat("What is fresh need not be asked for.\n", 28)

// page is a page as they are: a head, paragraphs, links, and places for
// banners.
var page = func() string {
	var b strings.Builder
	b.WriteString("<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n<title>A page</title>\n<link rel=\"stylesheet\" href=\"/style.css\">\n</head>\n<body>\n")
	for i := range 200 {
		fmt.Fprintf(&b, "<p class=\"p%d\">Paragraph %d says something, <a href=\"/article/%d\">and leads on</a>, with <b>weight</b> and <i>slant</i>, until its end.</p>\n", i, i, i)
		if i%20 == 0 {
			fmt.Fprintf(&b, "<div class=\"banner-%d\"><img src=\"/x/banners199/%d.gif\" alt=\"an advertisement\"></div>\n", i/20, i)
		}
	}
	b.WriteString("<p>the end of the page</p>\n</body>\n</html>\n")
	return b.String()
}()

// serve is the server behind the proxies.
func serve(ctx context.Context, addr string) error {
	mux := http.NewServeMux()
	send := func(path, kind, control, body string) {
		mux.HandleFunc(path, func(w http.ResponseWriter, r *http.Request) {
			h := w.Header()
			h["Content-Type"], h["Cache-Control"], h["Content-Length"] = []string{kind}, []string{control}, []string{strconv.Itoa(len(body))}
			w.Write([]byte(body))
		})
	}
	send("/text", "text/plain; charset=utf-8", "max-age=86400", text)
	send("/page", "text/html; charset=utf-8", "no-store", page)
	send("/x/", "image/gif", "no-store", "an advertisement")
	l, err := net.Listen("tcp", addr)
	if err != nil {
		return err
	}
	srv := &http.Server{Handler: mux}
	stop := context.AfterFunc(ctx, func() { srv.Close() })
	defer stop()
	if err := srv.Serve(l); !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	return nil
}
