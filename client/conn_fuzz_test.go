package client

import (
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"
	"time"
)

// canned is a connection on which everything is sent, and a text received in
// portions.
type canned struct{ stream }

func (c *canned) Write(p []byte) (int, error)      { return len(p), nil }
func (c *canned) SetDeadline(time.Time) error      { return nil }
func (c *canned) SetReadDeadline(time.Time) error  { return nil }
func (c *canned) SetWriteDeadline(time.Time) error { return nil }

// replies tells what comes of a text as the replies to four requests, and how
// much of it was told to the trace.
func replies(t *testing.T, says string, portion int) (story string, told int) {
	c := NewConn(&canned{stream{says: says, portion: portion}}, "a", DialOptions{MaxHeadBytes: 1 << 10, MaxInterim: 3, Trace: func(e Event) {
		if !e.Kind.Sent() {
			told += len(e.Data)
		}
	}})
	defer c.Close()
	methods := []string{"GET", "HEAD", "POST", "CONNECT"}
	for i, m := range methods {
		target := "/"
		if m == "CONNECT" {
			target = "a:1"
		}
		must(t, c.PutRequest(m, target), c.EndHeaders())
		if len(c.Unanswered()) != i+1 {
			t.Fatal(c.Unanswered())
		}
	}
	for i := range methods {
		r, err := c.GetReply()
		if err != nil {
			var lost *UnansweredError
			if !errors.As(err, &lost) || len(lost.Requests) != len(methods)-i {
				t.Fatalf("%T %v", err, err)
			}
			return story + err.Error(), told
		}
		b, err := io.ReadAll(r.Body)
		var failed *ConnError
		if err != nil && !errors.As(err, &failed) {
			t.Fatalf("%T %v", err, err)
		}
		story += fmt.Sprintf("%d %d %q %d %v %q %v %v %v\n", r.Request.Number, r.Status, r.Fields, r.Length, r.Last, b, r.Trailer, r.Interims, err)
		if r.Length >= 0 && r.Request.Method != "HEAD" && r.Status != 304 && err == nil && int64(len(b)) != r.Length && r.Request.Method != "CONNECT" {
			t.Fatalf("%d octets of %d are a whole body", len(b), r.Length)
		}
	}
	return story, told
}

// FuzzReplies: in whatever portions replies come, the same is made of them, and
// no byte is told twice.
func FuzzReplies(f *testing.F) {
	for _, s := range []string{
		"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhelloHTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nHTTP/1.1 204 x\r\n\r\nHTTP/1.1 200 OK\r\n\r\ntunnel",
		"HTTP/1.1 100 x\r\n\r\nHTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\nT: v\r\n\r\nHTTP/1.0 200 OK\r\n\r\n",
		"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n",
		"HTTP/1.1 200 OK\r\nX : y\r\n z\r\nConnection: close\r\n\r\nrest", "",
	} {
		f.Add(s, 1)
		f.Add(s, 9)
	}
	f.Fuzz(func(t *testing.T, says string, portion int) {
		whole, told := replies(t, says, len(says)+1)
		if told > len(says) {
			t.Fatalf("%d octets of %d were told", told, len(says))
		}
		pieces, told := replies(t, says, max(portion, 1))
		if told > len(says) {
			t.Fatalf("%d octets of %d were told", told, len(says))
		}
		if whole != pieces && !strings.Contains(whole+pieces, "breaks a rule") {
			t.Fatalf("%s\nin pieces:\n%s", whole, pieces)
		}
	})
}
