package acmetest

import (
	"io"
	"net"
	"strings"
	"sync"
	"testing"
	"time"
)

// Resolver is a DNS server in which all names are this machine's.
type Resolver struct {
	addr string

	mu   sync.Mutex // guards what follows
	text map[string][]string
}

// Put adds a TXT record.
func (r *Resolver) Put(name, value string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.text[name] = append(r.text[name], value)
}

// Text returns the values of the TXT records of a name.
func (r *Resolver) Text(name string) []string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.text[name]
}

func newResolver(t testing.TB) *Resolver {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	r := &Resolver{addr: l.Addr().String(), text: map[string][]string{}}
	var running sync.WaitGroup
	t.Cleanup(func() {
		l.Close()
		running.Wait()
	})
	running.Go(func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			running.Go(func() { r.serve(c) })
		}
	})
	return r
}

// serve answers the questions of a connection: by TCP alone, as pebble asks
// (RFC 1035 §4.2.2).
func (r *Resolver) serve(c net.Conn) {
	defer c.Close()
	for {
		_ = c.SetDeadline(time.Now().Add(patience))
		var length [2]byte
		if _, err := io.ReadFull(c, length[:]); err != nil {
			return
		}
		q := make([]byte, int(length[0])<<8|int(length[1]))
		if _, err := io.ReadFull(c, q); err != nil {
			return
		}
		a := r.answer(q)
		if a == nil {
			return
		}
		if _, err := c.Write(append([]byte{byte(len(a) >> 8), byte(len(a))}, a...)); err != nil {
			return
		}
	}
}

// The types of records that are known here (RFC 1035 §3.2.2).
const (
	typeA   = 1
	typeTXT = 16
)

// answer answers a message with one question (RFC 1035 §4.1); nil, when it has
// none.
func (r *Resolver) answer(q []byte) []byte {
	const head = 12
	var labels []string
	at := head
	for at < len(q) && q[at] != 0 {
		end := at + 1 + int(q[at])
		if end >= len(q) {
			return nil
		}
		labels, at = append(labels, string(q[at+1:end])), end
	}
	if at+5 > len(q) {
		return nil
	}
	kind := int(q[at+1])<<8 | int(q[at+2])
	a := append([]byte{q[0], q[1], 0x81, 0x80, 0, 1, 0, 0, 0, 0, 0, 0}, q[head:at+5]...)
	record := func(data []byte) {
		// The name is the question's; a minute to live.
		a = append(a, 0xc0, head, byte(kind>>8), byte(kind), 0, 1, 0, 0, 0, 60, byte(len(data)>>8), byte(len(data)))
		a = append(a, data...)
		a[7]++
	}
	switch kind {
	case typeA:
		record([]byte{127, 0, 0, 1})
	case typeTXT:
		for _, s := range r.Text(strings.ToLower(strings.Join(labels, "."))) {
			record(append([]byte{byte(len(s))}, s...))
		}
	}
	return a
}
