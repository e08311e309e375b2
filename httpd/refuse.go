package httpd

import (
	"bytes"
	"crypto/tls"
	"net"
	"net/http"
	"strconv"
	"time"

	"freshet/internal/record"
	"freshet/internal/rule"
	"freshet/internal/wire"
	"freshet/socketserver"
)

// refuse answers a request that broke a rule, and lets the connection end in a
// way that lets the client read the answer.
func (c *conn) refuse(why rule.ID) {
	s := c.take()
	row := rule.Of(why)
	if c.sc.Overdue() {
		c.sc.Forgive()
	}
	if s.r == s.w {
		s.head = wire.Head{Fields: s.head.Fields[:0]} // nothing was read of this request
	}
	s.head.Now = c.now
	at := len(s.out)
	s.out = c.srv.appendRefusal(s.out, s.head.Now, c.requestID(), row.Status, row.Explain(), s.head.Method == "HEAD")
	if c.srv.Sink != nil {
		_, page, _ := bytes.Cut(s.out[at:], []byte("\r\n\r\n"))
		n := c.note(&s.head)
		n.Status, n.Bytes, n.Rule, n.Verdict = row.Status, int64(len(page)), why, record.Refused
	}
	c.linger = true
	c.flush()
}

// appendRefusal makes a whole answer of the engine's own, after which the
// connection ends.
func (s *Server) appendRefusal(dst []byte, now int64, id record.ID, status int, message string, head bool) []byte {
	page := AppendErrorPage(nil, PageText, status, message)
	dst = wire.AppendStatusLine(dst, status)
	dst = append(dst, "Content-Length: "...)
	dst = strconv.AppendInt(dst, int64(len(page)), 10)
	dst = append(dst, "\r\nContent-Type: "...)
	dst = append(dst, PageText.ContentType()...)
	dst = append(dst, "\r\n"...)
	if status == http.StatusServiceUnavailable {
		dst = append(dst, "Retry-After: 1\r\n"...)
	}
	dst = s.appendStamps(dst, now, true, true)
	dst = s.appendID(dst, id, status)
	dst = append(appendConnection(dst, true, false), "\r\n"...)
	if head {
		return dst
	}
	return append(dst, page...)
}

// refuseConn tells a client that there are too many connections.
func (s *Server) refuseConn(nc net.Conn, why socketserver.Refusal) {
	a := nc.(*accepted)
	id := rule.TooManyConnections
	if why == socketserver.TooManyPerClient {
		id = rule.TooManyPerClient
	}
	row := rule.Of(id)
	now, name := time.Now(), s.ids.conn()
	if s.Sink != nil {
		r := Record{ID: name, Start: now.UnixNano(), Status: row.Status, Rule: id, Verdict: record.Refused}
		r.Remote = a.AddrPort()
		s.Sink.Record(&r)
	}
	if tc, ok := a.Conn.(*tls.Conn); a.from.tls != nil || ok && !tc.ConnectionState().HandshakeComplete {
		return // a handshake is what the limit protects from
	}
	a.Conn.Write(s.appendRefusal(nil, now.UnixNano(), name, row.Status, row.Explain(), false))
	lingerOn(a.Conn)
}
