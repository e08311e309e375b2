package forward_test

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"freshet/cache"
	"freshet/forward"
	"freshet/httpd"
)

// hots collects which requests were answered on the hot path, by rule.
type hots chan string

func (c hots) Record(r *httpd.Record) { c <- fmt.Sprintf("%v %v", r.Hot, r.Rule) }

// An answer is the same on the hot path as on the other; hot are hits that
// nobody has anything to say about.
func TestHotIsTheSame(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Cache-Control", "max-age=600")
		w.Header()["Date"] = []string{"Sun, 22 Nov 2026 03:00:00 GMT"}
		if strings.HasSuffix(r.URL.Path, ".html") {
			w.Header().Set("Content-Type", "text/html; charset=utf-8")
			io.WriteString(w, "<!doctype html><html><head><title>t</title></head><body class=ad>b</body></html>")
			return
		}
		w.Header().Set("Vary", "Accept-Language")
		io.WriteString(w, "text of "+r.URL.Path)
	}))
	defer server.Close()
	list := filepath.Join(t.TempDir(), "list.txt")
	if err := os.WriteFile(list, []byte("/banners/\n@@/banners/fine\n##.ad\n*$removeparam=track\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	run := func(hot, lists bool, requests []string) (answers, how []string) {
		store, err := cache.NewStore(cache.StoreOptions{Memory: 8 << 20})
		if err != nil {
			t.Fatal(err)
		}
		defer store.Close()
		o := forward.Options{AllowPrivate: true, Store: store, Now: func() int64 { return 1795316400e9 }}
		if lists {
			o.Lists = []forward.ListSource{{Name: "mine", File: list}}
		}
		h, err := forward.New(o)
		if err != nil {
			t.Fatal(err)
		}
		defer h.Close()
		told := make(hots, 1)
		srv := &httpd.Server{Handler: h, Sink: told}
		if hot {
			srv.Hot = h
		}
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		done := make(chan struct{})
		go func() { defer close(done); srv.Serve(l) }()
		defer func() { srv.Close(); <-done }()
		c, err := net.Dial("tcp", l.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		br := bufio.NewReader(c)
		for _, r := range requests {
			io.WriteString(c, strings.ReplaceAll(r, "@", server.URL))
			resp, err := http.ReadResponse(br, nil)
			if err != nil {
				t.Fatal(err)
			}
			body, err := io.ReadAll(resp.Body)
			if err != nil {
				t.Fatal(err)
			}
			resp.Header.Del("Date")
			resp.Header.Del("Freshet-Id")
			var head strings.Builder
			resp.Header.Write(&head)
			answers = append(answers, fmt.Sprintf("%s\n%s\n%s", resp.Status, head.String(), ids.ReplaceAllString(string(body), "ID")))
			how = append(how, <-told)
		}
		return answers, how
	}
	get := func(path, fields string) string { return "GET @" + path + " HTTP/1.1\r\nHost: x\r\n" + fields + "\r\n" }
	requests := []string{
		get("/a", ""), get("/a", ""),
		get("/a", "Accept-Language: de\r\n"), get("/a", "Accept-Language: de\r\n"),
		get("/a", "Cookie: a=b\r\n"),
		get("/a", "Via: 1.1 other\r\n"),
		get("/a", "Via: 1.1 freshet\r\n"),
		get("/a", "Proxy-Authorization: Basic YTpi\r\n"),
		get("/a", "Freshet-Sheet: x\r\n"),
		get("/a?track=1&x=2", ""), get("/a?track=1&x=2", ""), get("/a?x=2", ""),
		get("/banners/x.gif", ""), get("/banners/fine.gif", ""), get("/banners/fine.gif", ""),
		get("/p.html", "Accept: text/html\r\n"), get("/p.html", "Accept: text/html\r\n"), get("/p.html", "Accept: */*\r\nSec-Fetch-Dest: empty\r\n"), get("/p.html", "Accept: */*\r\nSec-Fetch-Dest: empty\r\n"),
		"HEAD @/a HTTP/1.1\r\nHost: other\r\nConnection: keep-alive\r\n\r\n",
	}
	requests = requests[:len(requests)-1] // http.ReadResponse would wait for a body
	for _, lists := range []bool{false, true} {
		want, _ := run(false, lists, requests)
		got, how := run(true, lists, requests)
		wasHot := 0
		for i := range want {
			if got[i] != want[i] {
				t.Errorf("lists %v, %q: by %s\n%s\nwithout a hot path\n%s", lists, requests[i], how[i], got[i], want[i])
			}
			if strings.HasPrefix(how[i], "true ") {
				wasHot++
			}
		}
		for _, i := range []int{1, 3} {
			if lists { // somebody is asked, so that the record is that of the other path
				continue
			}
			if how[i] != "true reuse-fresh" {
				t.Errorf("lists %v, request %d was answered %s", lists, i, how[i])
			}
		}
		for _, i := range []int{4, 5, 6} {
			if strings.HasPrefix(how[i], "true ") {
				t.Errorf("lists %v, request %d was answered on the hot path: %s", lists, i, how[i])
			}
		}
		t.Logf("lists %v: %d of %d on the hot path", lists, wasHot, len(want))
	}
}

var ids = regexp.MustCompile(`0w[0-9a-z]{11}`)
