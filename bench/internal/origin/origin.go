// Package origin is an HTTP/1.1 server that stands behind the caches of the
// benchmark. Its answers are small, made beforehand and sent in one write, so
// that a request costs it next to nothing; it counts requests, so that a
// benchmark can see what a cache kept from it.
//
// It knows nothing else of HTTP: requests have no body, conditions and ranges
// are ignored, which is allowed, and each request gets the whole answer.
//
//	s, err := origin.Start("127.0.0.1:0", map[string][]byte{"/1k.txt": body})
//	defer s.Close()
//
// What it answers:
//
//	a path of the files    the body, fresh for an hour
//	/miss/ANYTHING         MissBody, fresh for an hour
//	/many/ANYTHING         the same
//	/object/N              ObjectBody(N), 2 KB, fresh for an hour
//	/private/ANYTHING      MissBody, no-store
//	/stream/N              N bytes of StreamBlock again and again, no-store
//	/held/ANYTHING         MissBody, fresh for an hour, once Release was called
//	/requests              how many requests there were, itself not counted
//	anything else          404, no-store
package origin

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"net"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

// Server answers until it is closed. Its methods may be called at once.
type Server struct {
	listener net.Listener
	files    map[string]answer
	miss     answer
	private  answer
	modified string
	requests atomic.Int64
	now      atomic.Pointer[second]
	release  chan struct{} // closed by Release
	once     sync.Once
	serving  sync.WaitGroup

	mu    sync.Mutex // guards conns
	conns map[net.Conn]struct{}
}

// answer is what follows the Date field: the other fields and the body.
type answer struct{ head, body []byte }

// second is the beginning of every answer of one second.
type second struct {
	unix int64
	line []byte
}

// Start listens on addr and serves the files, by path, in the background.
func Start(addr string, files map[string][]byte) (*Server, error) {
	l, err := net.Listen("tcp", addr)
	if err != nil {
		return nil, err
	}
	s := &Server{listener: l, files: map[string]answer{}, release: make(chan struct{}), conns: map[net.Conn]struct{}{}}
	s.modified = time.Now().Add(-time.Hour).UTC().Format(httpTime)
	for path, body := range files {
		s.files[path] = s.fresh(body)
	}
	s.miss = s.fresh(MissBody)
	s.private = answer{s.head(len(MissBody), "no-store", ""), MissBody}
	s.serving.Go(s.accept)
	return s, nil
}

// Addr returns the address that it listens on.
func (s *Server) Addr() string { return s.listener.Addr().String() }

// Requests returns how many requests there were.
func (s *Server) Requests() int64 { return s.requests.Load() }

// Release lets all requests for /held/ be answered, those that wait and those
// to come.
func (s *Server) Release() { s.once.Do(func() { close(s.release) }) }

// Close ends the server and its connections, and returns when they have ended.
func (s *Server) Close() {
	s.listener.Close()
	s.Release()
	s.mu.Lock()
	for c := range s.conns {
		c.Close()
	}
	s.conns = nil
	s.mu.Unlock()
	s.serving.Wait()
}

func (s *Server) accept() {
	for {
		c, err := s.listener.Accept()
		if errors.Is(err, net.ErrClosed) {
			return
		}
		if err != nil { // for want of descriptors, say
			time.Sleep(10 * time.Millisecond)
			continue
		}
		s.mu.Lock()
		if s.conns == nil {
			c.Close()
		} else {
			s.conns[c] = struct{}{}
			s.serving.Go(func() { s.serve(c) })
		}
		s.mu.Unlock()
	}
}

func (s *Server) serve(c net.Conn) {
	defer func() {
		c.Close()
		s.mu.Lock()
		delete(s.conns, c)
		s.mu.Unlock()
	}()
	w := bufio.NewWriterSize(c, 16<<10)
	r := bufio.NewReaderSize(flushing{c, w}, 8<<10)
	for {
		path, err := readRequest(r)
		if err != nil {
			return
		}
		if err := s.answer(w, path); err != nil {
			return
		}
	}
}

// flushing reads from a connection, and before it waits there sends what was
// written: answers to requests that came together go out together.
type flushing struct {
	net.Conn
	w *bufio.Writer
}

func (f flushing) Read(b []byte) (int, error) {
	if err := f.w.Flush(); err != nil {
		return 0, err
	}
	return f.Conn.Read(b)
}

// readRequest reads one head and returns its target.
func readRequest(r *bufio.Reader) (path string, err error) {
	line, err := r.ReadSlice('\n')
	if err != nil {
		return "", err
	}
	f := bytes.Fields(line)
	if len(f) != 3 {
		return "", fmt.Errorf("a request line of %q", line)
	}
	path = string(f[1])
	for len(bytes.TrimSpace(line)) > 0 {
		if line, err = r.ReadSlice('\n'); err != nil {
			return "", err
		}
	}
	return path, nil
}

func (s *Server) answer(w *bufio.Writer, path string) error {
	if path == "/requests" {
		body := strconv.AppendInt(nil, s.Requests(), 10)
		return s.send(w, "200 OK", answer{s.head(len(body), "no-store", ""), body})
	}
	s.requests.Add(1)
	if a, ok := s.files[path]; ok {
		return s.send(w, "200 OK", a)
	}
	first, rest, _ := strings.Cut(strings.TrimPrefix(path, "/"), "/")
	switch first {
	case "miss", "many":
		return s.send(w, "200 OK", s.miss)
	case "private":
		return s.send(w, "200 OK", s.private)
	case "held":
		<-s.release
		return s.send(w, "200 OK", s.miss)
	}
	if n, err := strconv.ParseInt(rest, 10, 64); err == nil && n >= 0 {
		switch first {
		case "object":
			return s.send(w, "200 OK", s.fresh(ObjectBody(n)))
		case "stream":
			return s.stream(w, n)
		}
	}
	return s.send(w, "404 Not Found", answer{s.head(0, "no-store", ""), nil})
}

func (s *Server) send(w *bufio.Writer, status string, a answer) error {
	w.WriteString("HTTP/1.1 ")
	w.WriteString(status)
	w.Write(s.date())
	w.Write(a.head)
	_, err := w.Write(a.body)
	return err
}

func (s *Server) stream(w *bufio.Writer, n int64) error {
	if err := s.send(w, "200 OK", answer{head: s.head64(n, "no-store", "")}); err != nil {
		return err
	}
	for n > 0 {
		k, err := w.Write(StreamBlock[:min(n, int64(len(StreamBlock)))])
		if err != nil {
			return err
		}
		n -= int64(k)
	}
	return nil
}

const httpTime = "Mon, 02 Jan 2006 15:04:05 GMT"

// date returns the end of the status line and the Date field.
func (s *Server) date() []byte {
	now := time.Now()
	d := s.now.Load()
	if d == nil || d.unix != now.Unix() {
		d = &second{now.Unix(), []byte("\r\nDate: " + now.UTC().Format(httpTime) + "\r\n")}
		s.now.Store(d)
	}
	return d.line
}

// fresh is an answer that caches may keep for an hour.
func (s *Server) fresh(body []byte) answer {
	return answer{s.head(len(body), "max-age=3600", fmt.Sprintf(`"%x-%x"`, len(body), hash(body))), body}
}

func (s *Server) head(length int, cacheControl, tag string) []byte {
	return s.head64(int64(length), cacheControl, tag)
}

func (s *Server) head64(length int64, cacheControl, tag string) []byte {
	h := fmt.Appendf(nil, "Content-Type: text/plain\r\nContent-Length: %d\r\nCache-Control: %s\r\n", length, cacheControl)
	if tag != "" {
		h = fmt.Appendf(h, "ETag: %s\r\nLast-Modified: %s\r\n", tag, s.modified)
	}
	return append(h, "\r\n"...)
}
