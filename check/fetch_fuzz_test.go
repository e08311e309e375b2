package check

import (
	"bytes"
	"crypto/sha256"
	"io"
	"net/url"
	"reflect"
	"slices"
	"strings"
	"testing"
	"testing/iotest"
)

// FuzzAnswer reads answers in one piece and byte by byte: what is recorded is
// the same, and no more of the body is kept than was asked for.
func FuzzAnswer(f *testing.F) {
	f.Add("GET", "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello")
	f.Add("GET", "HTTP/1.1 103 Early Hints\r\n\r\nHTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\nA: b\r\n\r\n")
	f.Add("HEAD", "HTTP/1.0 200 OK\nA : b\n c\n\nrest")
	f.Add("GET", "HTTP/1.1 304 Not Modified\r\n\r\nbody")
	f.Add("GET", "HTTP/1.1 200\r\nContent-Type: text/event-stream\r\n\r\ndata: x")
	f.Fuzz(func(t *testing.T, method, text string) {
		const most = 64
		read := func(r io.Reader) (*reply, error) {
			p := &probe{method: method, url: &url.URL{Scheme: "http", Host: "example.com", Path: "/"}}
			m := &message{conn: r, probe: p, reply: &reply{}, most: most, sum: sha256.New()}
			err := m.read()
			m.reply.Received = 0
			return m.reply, err
		}
		whole, err := read(strings.NewReader(text))
		pieces, errPieces := read(iotest.OneByteReader(strings.NewReader(text)))
		if (err == nil) != (errPieces == nil) {
			t.Fatalf("%q: %v in one piece, %v byte by byte", text, err, errPieces)
		}
		if err != nil {
			return
		}
		if len(whole.Body) > most || whole.whole && whole.BodySize != int64(len(whole.Body)) {
			t.Errorf("%q: %d bytes are kept, the size is %d", text, len(whole.Body), whole.BodySize)
		}
		if !reflect.DeepEqual(whole.Header, pieces.Header) || !bytes.Equal(whole.Body, pieces.Body) || whole.Status != pieces.Status ||
			whole.whole != pieces.whole || whole.early != pieces.early || !slices.Equal(faultsBefore(whole), faultsBefore(pieces)) {
			t.Errorf("%q:\n%+v\nbyte by byte\n%+v", text, whole, pieces)
		}
	})
}

// faultsBefore are the faults of an answer, but for bytes behind it, which are only
// seen when they come with it.
func faultsBefore(r *reply) []string {
	var all []string
	for _, f := range r.faults {
		if f.note != "bytes-behind" {
			all = append(all, f.note)
		}
	}
	return all
}
