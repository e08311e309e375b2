package fastcgi_test

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"freshet/fastcgi"
	"freshet/internal/wiretest"
)

// A client that goes away: the backend gets ABORT_REQUEST and the end of the
// connection.
func TestClientGone(t *testing.T) {
	saw := make(chan string, 1)
	begun := make(chan bool)
	address := fake(t, "unix", func(s *session) {
		if _, err := s.request(); err != nil {
			return
		}
		close(begun)
		r, err := s.record()
		what := fmt.Sprint("type ", r.kind, " ", err)
		_, err = s.record()
		saw <- what + ", " + fmt.Sprint(err)
	})
	h := newHandler(t, fastcgi.Options{Address: address})
	url, recs := serve(t, h)
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	req, _ := http.NewRequestWithContext(ctx, "GET", url, nil)
	go func() { <-begun; cancel() }()
	if _, err := newClient(t).Do(req); err == nil {
		t.Fatal("an answer")
	}
	select {
	case what := <-saw:
		if what != "type 2 <nil>, EOF" {
			t.Error(what)
		}
	case <-time.After(patience):
		t.Fatal("the backend was not told")
	}
	if got := recs.rule(t); got != "script-client-gone" {
		t.Error(got)
	}
	if p := h.Pool(); p.Open != 0 {
		t.Errorf("%+v", p)
	}
}

// The board stops what runs, before and behind the head.
func TestStop(t *testing.T) {
	for _, begun := range []string{"", stdout(head + "text")} {
		address := fake(t, "unix", func(s *session) {
			if _, err := s.request(); err == nil {
				io.WriteString(s, begun)
				io.Copy(io.Discard, s)
			}
		})
		h := newHandler(t, fastcgi.Options{Address: address})
		url, recs := serve(t, h)
		go func() {
			for {
				for _, run := range h.Board().Runs() {
					if run.Kind != "fastcgi" || run.Method != "GET" || run.URL != "/x" || run.Request == "" {
						t.Errorf("%+v", run)
					}
					if begun == "" || run.Sent.Load() > 0 {
						h.Board().Stop(run.ID())
						return
					}
				}
				time.Sleep(time.Millisecond)
			}
		}()
		req, _ := http.NewRequest("GET", url+"/x", nil)
		status, _, cut := exchange(t, newClient(t), req)
		if got := recs.rule(t); got != "script-stopped" || cut != (begun != "") || !cut && status != 503 {
			t.Errorf("%d, cut %v, %s", status, cut, got)
		}
		if n := len(h.Board().Runs()); n != 0 {
			t.Errorf("%d are still shown", n)
		}
	}
}

// A backend that answers before it has read the body, and one that never reads
// it.
func TestAnswerBeforeBody(t *testing.T) {
	long := strings.Repeat("answer ", 500_000)
	var records strings.Builder
	for b := long; b != ""; b = b[min(60_000, len(b)):] {
		records.WriteString(stdout(b[:min(60_000, len(b))]))
	}
	for _, reads := range []bool{true, false} {
		address := fake(t, "unix", func(s *session) {
			if _, err := s.params(); err != nil {
				return
			}
			io.WriteString(s, stdout(head)+records.String()+stdout("")+end(0, 0))
			for reads {
				if r, err := s.record(); err != nil || r.content == "" {
					return
				}
			}
		})
		h := newHandler(t, fastcgi.Options{Address: address, Idle: -1})
		url, _ := serve(t, h)
		for _, size := range []int{10, 20_000, 60_000, 10 << 20} {
			// A long body does not end, and so much of it is sent as the
			// engine discards of a body that nobody wants.
			body, w := io.Pipe()
			req, _ := http.NewRequest("POST", url, body)
			req.ContentLength = int64(size)
			go func() {
				w.Write(make([]byte, min(size, 100_000)))
				if size <= 100_000 {
					w.Close()
				}
			}()
			resp, err := newClient(t).Do(req)
			if err != nil {
				t.Fatalf("reads %v, %d octets: %v", reads, size, err)
			}
			got, err := io.ReadAll(resp.Body)
			resp.Body.Close()
			w.CloseWithError(io.ErrClosedPipe)
			if err != nil || string(got) != long {
				t.Errorf("reads %v, %d octets: %d octets came back, %v", reads, size, len(got), err)
			}
		}
	}
}

// A body that the client does not complete is not an answer's end that looks
// whole, nor does it hold the backend.
func TestBodyBroken(t *testing.T) {
	for _, length := range []string{"Content-Length: 10", "Content-Length: 1000000", "Transfer-Encoding: chunked"} {
		gone := make(chan bool, 4)
		address := fake(t, "unix", func(s *session) {
			s.request()
			gone <- true
		})
		h := newHandler(t, fastcgi.Options{Address: address})
		url, recs := serve(t, h)
		c := dialRaw(t, url)
		io.WriteString(c, "POST / HTTP/1.1\r\nHost: a\r\n"+length+"\r\n\r\n5\r\nabc")
		c.(interface{ CloseWrite() error }).CloseWrite()
		b, _ := io.ReadAll(c)
		c.Close()
		if got := recs.rule(t); got != "body-incomplete" && got != "chunk-incomplete" || !strings.HasPrefix(string(b), "HTTP/1.1 400 ") && len(b) > 0 {
			t.Errorf("%s: %s, %.40q", length, got, b)
		}
		eventually(t, "nothing runs", func() bool { r, _ := h.Load(); return r == 0 && h.Pool().Open == 0 })
	}
}

// Bodies of unknown length have a bound.
func TestBodyTooLarge(t *testing.T) {
	h := newHandler(t, fastcgi.Options{Address: answers(t, whole("text")), MaxSpool: 1000})
	url, recs := serve(t, h)
	for size, want := range map[int]int{1000: 200, 1001: 413} {
		req, _ := http.NewRequest("POST", url, io.MultiReader(strings.NewReader(strings.Repeat("x", size))))
		status, _, _ := exchange(t, newClient(t), req)
		if got := recs.rule(t); status != want || (status == 413) != (got == "script-body-too-large") {
			t.Errorf("%d octets: %d, %s", size, status, got)
		}
	}
}

// As many requests as there are connections run, as many wait as may, and the
// rest gets 503.
func TestQueue(t *testing.T) {
	release := make(chan bool)
	let := sync.OnceFunc(func() { close(release) })
	defer let()
	address := fake(t, "unix", func(s *session) {
		for {
			if _, err := s.request(); err != nil {
				return
			}
			<-release
			io.WriteString(s, whole("text"))
		}
	})
	h := newHandler(t, fastcgi.Options{Address: address, Conns: 2, Queue: 1, QueueTime: patience})
	url, recs := serve(t, h)
	codes := make(chan int, 3)
	for n := 1; n <= 3; n++ {
		go func() {
			resp, err := newClient(t).Get(url)
			if err != nil {
				codes <- 0
				return
			}
			resp.Body.Close()
			codes <- resp.StatusCode
		}()
		eventually(t, "it runs or waits", func() bool { running, waiting := h.Load(); return running+waiting == n })
	}
	resp, _ := get(t, newClient(t), url)
	if got := recs.rule(t); resp.StatusCode != 503 || got != "script-queue-full" || resp.Header.Get("Retry-After") == "" {
		t.Errorf("%s, %s, %v", resp.Status, got, resp.Header)
	}
	let()
	for range 3 {
		if code := <-codes; code != 200 {
			t.Error(code)
		}
	}
	if p := h.Pool(); p.Open > 2 {
		t.Errorf("%+v", p)
	}
}

// The limit on the wait for the head begins when the backend has the request: a
// client that is slow to send is not the backend's fault. One that stops sending
// to a backend that stopped reading is.
func TestSlowUpload(t *testing.T) {
	over := make(chan bool)
	defer close(over)
	address := fake(t, "unix", func(s *session) {
		a, err := s.params()
		if err != nil {
			return
		}
		if a.vars["QUERY_STRING"] == "deaf" {
			<-over
			return
		}
		n := 0
		for {
			r, err := s.record()
			if err != nil {
				return
			}
			if n += len(r.content); r.content == "" {
				io.WriteString(s, whole(fmt.Sprint(n)))
				return
			}
		}
	})
	wiretest.Longer(t, 60*time.Millisecond, func(limit time.Duration) error {
		url, recs := serve(t, newHandler(t, fastcgi.Options{Address: address, Timeout: limit}))
		body, w := io.Pipe()
		req, _ := http.NewRequest("POST", url, body)
		req.ContentLength = 100_000
		go func() {
			for range 4 {
				w.Write(make([]byte, 25_000))
				time.Sleep(limit * 3 / 2)
			}
			w.Close()
		}()
		status, got, _ := exchange(t, newClient(t), req)
		body.Close() // an answer may come before all is sent
		recs.next(t)
		if status != 200 || got != "100000" {
			return fmt.Errorf("%d %q", status, got)
		}
		return nil
	})
	url, recs := serve(t, newHandler(t, fastcgi.Options{Address: address, Timeout: 60 * time.Millisecond}))
	req, _ := http.NewRequest("POST", url+"/?deaf", io.LimitReader(zeros{}, 50<<20))
	req.ContentLength = 50 << 20
	status, _, _ := exchange(t, newClient(t), req)
	if got := recs.rule(t); got != "script-head-timeout" || status != 504 && status != 0 {
		t.Errorf("a backend that does not read: %d %s", status, got)
	}
}

// zeros has no end.
type zeros struct{}

func (zeros) Read(p []byte) (int, error) {
	clear(p)
	return len(p), nil
}

// A client that is slow to take an answer is waited for, and gets all of it.
func TestSlowReader(t *testing.T) {
	const size = 8 << 20
	address := goBackend(t, "unix", func(w http.ResponseWriter, r *http.Request) { io.CopyN(w, zeros{}, size) })
	wiretest.Longer(t, 50*time.Millisecond, func(pause time.Duration) error {
		url, _ := serve(t, newHandler(t, fastcgi.Options{Address: address, Pause: pause}))
		resp, err := newClient(t).Get(url)
		if err != nil {
			return err
		}
		defer resp.Body.Close()
		time.Sleep(3 * pause) // longer than the backend may pause
		if n, err := io.Copy(io.Discard, resp.Body); n != size || err != nil {
			return fmt.Errorf("%d octets, %w", n, err)
		}
		return nil
	})
}
