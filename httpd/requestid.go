package httpd

import (
	"net/http"
	"sync"
	"sync/atomic"
	"time"

	"freshet/internal/record"
	"freshet/internal/wrapped"
)

// RequestIDs says which answers tell the name of their request, in the field
// Freshet-Id. The name stands in the access log, too, and is what an
// explanation is asked for by.
type RequestIDs uint8

// Which answers have the field.
const (
	RequestIDNever    RequestIDs = iota
	RequestIDOnErrors            // those with a status code of 400 or more
	RequestIDAlways
)

// requestIDs gives out names. Those of HTTP/1 connections need no more than one
// step of a counter for each connection.
type requestIDs struct {
	once  sync.Once
	first uint64        // before the name of the first connection; written before next
	next  atomic.Uint64 // the name of the connection that was made last; 0: there was none

	mu sync.Mutex // guards h2
	h2 record.ID  // the last name of a request of HTTP/2
}

// conn names a connection.
func (q *requestIDs) conn() record.ID {
	q.once.Do(func() {
		q.first = uint64(record.FirstID(time.Now()))
		q.next.Store(q.first)
	})
	return record.ID(q.next.Add(record.NextConn))
}

// Named reports whether id is a name that s gives requests: of one that it has
// read, or of a later one of the same connection. Such a request need not be
// recorded yet, even if its client has the answer.
func (s *Server) Named(id record.ID) bool {
	last := s.ids.next.Load()
	return last != 0 && uint64(id) >= s.ids.first+record.NextConn && uint64(id) < last+record.NextConn
}

// request names a request that is no HTTP/1 connection's.
func (q *requestIDs) request() record.ID {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.h2++; q.h2&(record.NextConn-1) <= 1 {
		q.h2 = q.conn() + 1
	}
	return q.h2
}

// requestID names the request that was read last.
func (c *conn) requestID() record.ID {
	n := c.served & (record.NextConn - 1)
	if c.name == 0 || n == 0 && c.named != c.served {
		c.name, c.named = c.srv.ids.conn(), c.served
	}
	return c.name.Request(n)
}

// appendID appends the field with the request's name, where it is wanted.
func (s *Server) appendID(dst []byte, id record.ID, status int) []byte {
	if !s.showsID(status) {
		return dst
	}
	dst = append(dst, "Freshet-Id: "...)
	return append(id.Append(dst), "\r\n"...)
}

// showsID reports whether an answer with a status code has the field.
func (s *Server) showsID(status int) bool {
	return s.RequestIDs == RequestIDAlways || s.RequestIDs == RequestIDOnErrors && status >= 400
}

// RequestID returns the name of the request; see the function RequestID.
func (w *response) RequestID() record.ID { return w.c.requestID() }

// RequestID returns the name of the request; see the function RequestID.
func (w *h2Response) RequestID() record.ID { return w.id }

// RequestID returns the name of the request that w answers, as it stands in the
// access log and in Freshet-Id; "" when w is not the engine's. It finds the
// engine's writer as SetRule does.
func RequestID(w http.ResponseWriter) string {
	if n, ok := wrapped.Find[interface{ RequestID() record.ID }](w); ok {
		var b [record.IDLen]byte
		return string(n.RequestID().Append(b[:0]))
	}
	return ""
}
