package wiretest_test

import (
	"bufio"
	"fmt"
	"io"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"
)

// waiting has a channel for each host whose test waits for "wait" to end.
var waiting sync.Map

// handlers are what a script gets with "server handler=NAME": what a handler
// may do that a folder does not.
var handlers = map[string]http.HandlerFunc{
	// echo says what it was given.
	"echo": func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			return // the engine knows why, and answers
		}
		var out strings.Builder
		fmt.Fprintf(&out, "%s %s %s host: %s\n", r.Method, r.RequestURI, r.Proto, r.Host)
		for _, name := range slices.Sorted(maps.Keys(r.Header)) {
			fmt.Fprintf(&out, "%s: %s\n", name, strings.Join(r.Header[name], " | "))
		}
		fmt.Fprintf(&out, "body: %s\n", body)
		for _, name := range slices.Sorted(maps.Keys(r.Trailer)) {
			fmt.Fprintf(&out, "trailer %s: %s\n", name, strings.Join(r.Trailer[name], " | "))
		}
		w.Header().Set("Content-Type", "text/plain; charset=utf-8")
		_, _ = io.WriteString(w, out.String())
	},
	// sniff writes what the query says and names no type.
	"sniff": func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.WriteString(w, r.URL.Query().Get("body"))
	},
	// stream flushes after each of three pieces, so that the length cannot be known.
	"stream": func(w http.ResponseWriter, r *http.Request) {
		for i := range 3 {
			fmt.Fprintf(w, "piece %d\n", i)
			_ = http.NewResponseController(w).Flush()
		}
	},
	// trailers announces one trailer and sends another unannounced.
	"trailers": func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Trailer", "X-Announced")
		_, _ = io.WriteString(w, "body")
		w.Header().Set("X-Announced", "yes")
		w.Header().Set(http.TrailerPrefix+"X-Late", "too")
	},
	// early sends 103 (Early Hints) first.
	"early": func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Link", "</style.css>; rel=preload; as=style")
		w.WriteHeader(http.StatusEarlyHints)
		w.Header().Del("Link")
		_, _ = io.WriteString(w, "body")
	},
	// status answers with the status of the query, and a body if it may have one.
	"status": func(w http.ResponseWriter, r *http.Request) {
		code, err := strconv.Atoi(r.URL.Query().Get("code"))
		if err != nil {
			code = http.StatusBadRequest
		}
		w.WriteHeader(code)
		_, _ = io.WriteString(w, "status")
	},
	"nothing": func(w http.ResponseWriter, r *http.Request) {},
	"close": func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Connection", "close")
		_, _ = io.WriteString(w, "bye")
	},
	"panic": func(w http.ResponseWriter, r *http.Request) { panic("on purpose") },
	// late panics when half of the answer has gone.
	"late": func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.WriteString(w, "half")
		_ = http.NewResponseController(w).Flush()
		panic("on purpose")
	},
	"abort": func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Length", "8")
		_, _ = io.WriteString(w, "half")
		_ = http.NewResponseController(w).Flush()
		panic(http.ErrAbortHandler)
	},
	// short promises more than it writes, long writes more than it promised.
	"short": func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Length", "8")
		_, _ = io.WriteString(w, "half")
	},
	"long": func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Length", "4")
		_, _ = io.WriteString(w, "half")
		if _, err := io.WriteString(w, " and more"); err != http.ErrContentLength {
			panic("a write beyond the declared length was taken")
		}
	},
	// inject tries to write lines of its own into the head.
	"inject": func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("X-Value", "a\r\nX-Injected: 1")
		w.Header()["X-Name\r\nX-Injected"] = []string{"2"}
		w.Header().Set("X-Fine", "yes")
		_, _ = io.WriteString(w, "body")
	},
	// upgrade takes the connection over and says back what it is told.
	"upgrade": func(w http.ResponseWriter, r *http.Request) {
		conn, buffered, err := http.NewResponseController(w).Hijack()
		if err != nil {
			http.Error(w, err.Error(), http.StatusInternalServerError)
			return
		}
		defer conn.Close()
		_ = conn.SetDeadline(time.Now().Add(time.Minute))
		_, _ = io.WriteString(conn, "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: echo\r\n\r\n")
		said, err := bufio.NewReader(buffered).ReadString('\n')
		if err == nil {
			_, _ = io.WriteString(conn, "you said "+said)
		}
	},
	// duplex answers line by line while the request is still being sent.
	"duplex": func(w http.ResponseWriter, r *http.Request) {
		control := http.NewResponseController(w)
		if err := control.EnableFullDuplex(); err != nil {
			panic(err)
		}
		lines := bufio.NewScanner(r.Body)
		for lines.Scan() {
			fmt.Fprintf(w, "got %s\n", lines.Text())
			_ = control.Flush()
		}
	},
	// slow takes longer than the sweep of time limits, and less than any limit.
	"slow": func(w http.ResponseWriter, r *http.Request) {
		time.Sleep(100 * time.Millisecond)
		_, _ = io.WriteString(w, "slow")
	},
	// wait begins an answer, and tells the test of its host when the client has gone.
	"wait": func(w http.ResponseWriter, r *http.Request) {
		_ = http.NewResponseController(w).Flush()
		<-r.Context().Done()
		if gone, ok := waiting.LoadAndDelete(r.Host); ok {
			gone.(chan error) <- r.Context().Err()
		}
	},
	// unread answers without looking at the body.
	"unread": func(w http.ResponseWriter, r *http.Request) { _, _ = io.WriteString(w, "unread") },
}
