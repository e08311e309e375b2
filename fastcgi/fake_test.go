package fastcgi_test

import (
	"bufio"
	"encoding/binary"
	"io"
	"net"
	"strings"
	"sync"
	"testing"
)

// record is one as a fake backend sees it, or makes it.
type record struct {
	kind    byte
	id      uint16
	content string
}

// rec makes a record for request 1, with padding.
func rec(kind byte, content string, padding int) string {
	h := []byte{1, kind, 0, 1, 0, 0, byte(padding), 0}
	binary.BigEndian.PutUint16(h[4:], uint16(len(content)))
	return string(h) + content + strings.Repeat("\xaa", padding)
}

func stdout(s string) string { return rec(6, s, 0) }
func stderr(s string) string { return rec(7, s, 0) }
func end(app, protocol byte) string {
	return rec(3, string([]byte{0, 0, 0, app, protocol, 0, 0, 0}), 0)
}

const head = "Content-Type: text/plain\r\n\r\n"

// whole is a whole answer.
func whole(body string) string { return stdout(head+body) + stdout("") + end(0, 0) }

// session is a connection as a fake backend has it.
type session struct {
	net.Conn
	r *bufio.Reader
	n int // which one it is, from 1
}

func (s *session) record() (record, error) {
	var h [8]byte
	if _, err := io.ReadFull(s.r, h[:]); err != nil {
		return record{}, err
	}
	b := make([]byte, binary.BigEndian.Uint16(h[4:]))
	if _, err := io.ReadFull(s.r, b); err != nil {
		return record{}, err
	}
	if _, err := s.r.Discard(int(h[6])); err != nil {
		return record{}, err
	}
	return record{h[1], binary.BigEndian.Uint16(h[2:]), string(b)}, nil
}

// asked is a request as a fake backend gets it.
type asked struct {
	role  byte
	keep  bool
	vars  map[string]string
	stdin string
}

// params reads a request up to its body.
func (s *session) params() (*asked, error) {
	a := &asked{vars: map[string]string{}}
	var params string
	for {
		r, err := s.record()
		if err != nil {
			return nil, err
		}
		switch r.kind {
		case 1:
			a.role, a.keep = r.content[1], r.content[2]&1 != 0
		case 4:
			if r.content == "" {
				for params != "" {
					n := length(&params)
					v := length(&params)
					a.vars[params[:n]] = params[n : n+v]
					params = params[n+v:]
				}
				return a, nil
			}
			params += r.content
		}
	}
}

func length(s *string) int {
	if b := (*s)[0]; b < 128 {
		*s = (*s)[1:]
		return int(b)
	}
	n := binary.BigEndian.Uint32([]byte(*s)) &^ (1 << 31)
	*s = (*s)[4:]
	return int(n)
}

// request reads a whole request.
func (s *session) request() (*asked, error) {
	a, err := s.params()
	for err == nil {
		var r record
		if r, err = s.record(); err == nil {
			if r.content == "" {
				return a, nil
			}
			a.stdin += r.content
		}
	}
	return nil, err
}

// fake is a backend that does what f says with each connection, and then closes
// it.
func fake(t testing.TB, network string, f func(s *session)) (address string) {
	t.Helper()
	l, address := listen(t, network)
	var all sync.WaitGroup
	var mu sync.Mutex
	var open []net.Conn
	all.Add(1)
	go func() {
		defer all.Done()
		for n := 1; ; n++ {
			c, err := l.Accept()
			if err != nil {
				return
			}
			mu.Lock()
			open = append(open, c)
			mu.Unlock()
			all.Add(1)
			go func() {
				defer all.Done()
				defer c.Close()
				s := newSession(c)
				s.n = n
				f(s)
			}()
		}
	}()
	t.Cleanup(func() {
		l.Close()
		mu.Lock()
		for _, c := range open {
			c.Close()
		}
		mu.Unlock()
		all.Wait()
	})
	return address
}

// answers is a backend that answers each request with these octets.
func answers(t testing.TB, octets string) string {
	return fake(t, "unix", func(s *session) {
		for {
			if _, err := s.request(); err != nil {
				return
			}
			io.WriteString(s, octets)
		}
	})
}

func newSession(c net.Conn) *session { return &session{Conn: c, r: bufio.NewReader(c)} }

// dialBackend connects to an address as Options have it.
func dialBackend(address string) (net.Conn, error) {
	if path, ok := strings.CutPrefix(address, "unix:"); ok {
		return net.Dial("unix", path)
	}
	return net.Dial("tcp", address)
}
