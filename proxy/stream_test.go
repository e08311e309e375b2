package proxy_test

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"runtime"
	"strings"
	"testing"

	"freshet/proxy"
)

// Each event reaches the client before the origin sends the next, and the head
// before the first.
func TestEventStream(t *testing.T) {
	next := make(chan string)
	origin := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "text/event-stream; charset=utf-8")
		w.(http.Flusher).Flush()
		for s := range next {
			io.WriteString(w, s)
			w.(http.Flusher).Flush()
			if s == "data: 3\n\n" {
				return
			}
		}
	}))
	defer origin.Close()
	h := newProxy(t, proxy.Options{Origins: []string{origin.URL}})
	eachFront(t, h, func(t *testing.T, url string, client *http.Client) {
		resp, err := client.Get(url)
		if err != nil {
			t.Fatal(err)
		}
		defer resp.Body.Close()
		br := bufio.NewReader(resp.Body)
		for i := 1; i <= 3; i++ {
			event := fmt.Sprintf("data: %d\n\n", i)
			next <- event
			b := make([]byte, len(event))
			if _, err := io.ReadFull(br, b); err != nil || string(b) != event {
				t.Fatalf("%q, %v", b, err)
			}
		}
		if _, err := br.ReadByte(); err != io.EOF {
			t.Errorf("end: %v", err)
		}
	})
}

// A body of any type is passed on when the origin pauses, with and without
// Content-Length.
func TestPauses(t *testing.T) {
	for name, head := range map[string]string{
		"length":  "HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\n",
		"unknown": "HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n",
	} {
		t.Run(name+", head alone", func(t *testing.T) {
			next := make(chan struct{})
			url := script(t, func(c net.Conn, br *bufio.Reader) {
				readHead(br)
				io.WriteString(c, head)
				<-next
				io.WriteString(c, "abcdef")
			})
			h := newProxy(t, proxy.Options{Origins: []string{url}})
			eachFront(t, h, func(t *testing.T, url string, client *http.Client) {
				resp, err := client.Get(url)
				if err != nil {
					t.Fatal(err)
				}
				defer resp.Body.Close()
				next <- struct{}{}
				if b, err := io.ReadAll(resp.Body); string(b) != "abcdef" || err != nil {
					t.Errorf("%q %v", b, err)
				}
			})
		})
		t.Run(name, func(t *testing.T) {
			next := make(chan struct{})
			url := script(t, func(c net.Conn, br *bufio.Reader) {
				readHead(br)
				io.WriteString(c, head+"abc")
				<-next
				io.WriteString(c, "def")
			})
			h := newProxy(t, proxy.Options{Origins: []string{url}})
			eachFront(t, h, func(t *testing.T, url string, client *http.Client) {
				resp, err := client.Get(url)
				if err != nil {
					t.Fatal(err)
				}
				defer resp.Body.Close()
				b := make([]byte, 3)
				io.ReadFull(resp.Body, b)
				next <- struct{}{}
				rest, err := io.ReadAll(resp.Body)
				if string(b) != "abc" || string(rest) != "def" || err != nil {
					t.Errorf("%q %q %v", b, rest, err)
				}
			})
		})
	}
}

// writes counts how an answer is written.
type writes struct {
	*httptest.ResponseRecorder
	sizes   []int
	flushes int
}

func (w *writes) Write(p []byte) (int, error) {
	w.sizes = append(w.sizes, len(p))
	return w.ResponseRecorder.Write(p)
}

func (w *writes) Flush() { w.flushes++ }

// A small answer that came whole is one write and no flush.
func TestSmallAnswerIsOneWrite(t *testing.T) {
	for _, raw := range []string{
		"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nsmall",
		"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nsmall\r\n0\r\n\r\n",
	} {
		h := newProxy(t, proxy.Options{Origins: []string{script(t, answers(raw))}})
		w := &writes{ResponseRecorder: httptest.NewRecorder()}
		h.ServeHTTP(w, httptest.NewRequest("GET", "/", nil))
		if len(w.sizes) != 1 || w.flushes != 0 {
			t.Errorf("%q: writes of %v, %d flushes", raw, w.sizes, w.flushes)
		}
	}
}

// Requests and answers stream at the same time: each byte that the client
// sends is answered before it sends the next.
func TestBothWaysAtOnce(t *testing.T) {
	url := script(t, func(c net.Conn, br *bufio.Reader) {
		if _, err := readHead(br); err != nil {
			return
		}
		io.WriteString(c, "HTTP/1.1 200 OK\r\nConnection: close\r\nTransfer-Encoding: chunked\r\n\r\n")
		for {
			size, err := br.ReadString('\n')
			if err != nil || size == "0\r\n" {
				readHead(br)
				io.WriteString(c, "0\r\n\r\n")
				return
			}
			b := make([]byte, 3)
			io.ReadFull(br, b)
			io.WriteString(c, "1\r\n"+string(b))
		}
	})
	h := newProxy(t, proxy.Options{Origins: []string{url}})
	addr, _ := serve(t, h)
	for _, addr := range []string{addr, serveStd(t, h)} {
		c, br := dial(t, addr)
		io.WriteString(c, "POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n1\r\n0\r\n")
		resp, err := http.ReadResponse(br, nil)
		if err != nil {
			t.Fatal(err)
		}
		for i := range 5 {
			b := make([]byte, 1)
			if _, err := io.ReadFull(resp.Body, b); err != nil || b[0] != byte('0'+i) {
				t.Fatalf("%d: %q, %v", i, b, err)
			}
			if i == 4 {
				io.WriteString(c, "0\r\n\r\n")
				break
			}
			fmt.Fprintf(c, "1\r\n%d\r\n", i+1)
		}
		if b, err := io.ReadAll(resp.Body); len(b) > 0 || err != nil {
			t.Errorf("%q, %v", b, err)
		}
	}
}

// An origin that refuses a long upload is heard before the upload is over.
func TestEarlyAnswer(t *testing.T) {
	url := script(t, func(c net.Conn, br *bufio.Reader) {
		readHead(br)
		io.WriteString(c, "HTTP/1.1 413 Content Too Large\r\nContent-Length: 2\r\nConnection: close\r\n\r\nno")
		io.Copy(io.Discard, br)
	})
	h := newProxy(t, proxy.Options{Origins: []string{url}})
	addr, _ := serve(t, h)
	c, br := dial(t, addr)
	io.WriteString(c, "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 1000000\r\n\r\nstart")
	resp, err := http.ReadResponse(br, nil)
	if err != nil || resp.StatusCode != 413 {
		t.Fatal(resp, err)
	}
	if b, err := io.ReadAll(resp.Body); string(b) != "no" {
		t.Errorf("%q, %v", b, err)
	}
}

// pattern is a reader of n bytes that can be checked on the other side.
type pattern struct{ at, n int64 }

func (p *pattern) Read(b []byte) (int, error) {
	if p.at == p.n {
		return 0, io.EOF
	}
	b = b[:min(int64(len(b)), p.n-p.at)]
	for i := range b {
		b[i] = byte((p.at + int64(i)) % 251)
	}
	p.at += int64(len(b))
	return len(b), nil
}

func (p *pattern) Write(b []byte) (int, error) {
	for i := range b {
		if b[i] != byte((p.at+int64(i))%251) {
			return i, fmt.Errorf("byte %d is wrong", p.at+int64(i))
		}
	}
	p.at += int64(len(b))
	return len(b), nil
}

// Memory does not grow with bodies, up or down.
func TestLargeBodies(t *testing.T) {
	size, up := int64(1<<30), int64(256<<20)
	if testing.Short() || raceEnabled {
		size, up = 64<<20, 32<<20
	}
	origin := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method == "GET" {
			io.Copy(struct{ io.Writer }{w}, &pattern{n: size})
			return
		}
		p := &pattern{}
		_, err := io.Copy(p, r.Body)
		fmt.Fprint(w, p.at, err)
	}))
	defer origin.Close()
	srv := newProxy(t, proxy.Options{Origins: []string{origin.URL}})
	addr, _ := serve(t, srv)
	client := newClient(t)
	client.Timeout = 0

	var before, after runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	resp, err := client.Get("http://" + addr)
	if err != nil {
		t.Fatal(err)
	}
	p := &pattern{}
	if _, err := io.Copy(p, resp.Body); err != nil || p.at != size {
		t.Errorf("%d bytes, %v", p.at, err)
	}
	resp.Body.Close()
	resp, err = client.Post(serveStd(t, srv), "", &pattern{n: up})
	if err != nil {
		t.Fatal(err)
	}
	b, _ := io.ReadAll(resp.Body)
	resp.Body.Close()
	if want := fmt.Sprint(up, error(nil)); string(b) != want {
		t.Errorf("%q, want %q", b, want)
	}
	runtime.ReadMemStats(&after)
	if grown := after.TotalAlloc - before.TotalAlloc; grown > 16<<20 {
		t.Errorf("%d bytes allocated for bodies of %d", grown, size)
	}
}

// After a request with a body the connection goes on, and a slow answer is not
// cut by the limits on the body.
func TestKeepAliveAfterBody(t *testing.T) {
	addr, _ := serve(t, newProxy(t, proxy.Options{Origins: []string{script(t, func(c net.Conn, br *bufio.Reader) {
		for {
			head, err := readHead(br)
			if err != nil {
				return
			}
			if strings.HasPrefix(head, "POST") {
				io.ReadFull(br, make([]byte, 3))
			}
			io.WriteString(c, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")
		}
	})}}))
	c, br := dial(t, addr)
	for _, raw := range []string{"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n\r\nabc", "GET / HTTP/1.1\r\nHost: x\r\n\r\n"} {
		for range 2 {
			io.WriteString(c, raw)
			resp, err := http.ReadResponse(br, nil)
			if err != nil {
				t.Fatal(err)
			}
			if b, _ := io.ReadAll(resp.Body); string(b) != "ok" {
				t.Errorf("%q", b)
			}
		}
	}
}
