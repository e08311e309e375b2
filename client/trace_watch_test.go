package client

import (
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"

	"freshet/internal/outbound"
)

// stream is a connection that gives and takes texts in portions.
type stream struct {
	net.Conn
	says    string
	portion int
}

func (s *stream) Read(p []byte) (int, error) {
	if s.says == "" {
		return 0, io.EOF
	}
	n := copy(p[:min(len(p), s.portion)], s.says)
	s.says = s.says[n:]
	return n, nil
}

func (s *stream) Write(p []byte) (int, error) { return min(len(p), s.portion), nil }
func (s *stream) Close() error                { return nil }

// watchTexts passes texts through a watched connection, and returns what was
// told, joined by kind, and the heads one by one.
func watchTexts(sent, got string, portion int) (texts [5]string, heads []string) {
	w := Watch(&stream{says: got, portion: portion}, func(e Event) {
		texts[e.Kind] += string(e.Data)
		if e.Kind == GotHead || e.Kind == SentHead {
			heads = append(heads, string(e.Data))
		}
	})
	for p := []byte(sent); len(p) > 0; {
		n, _ := w.Write(p)
		p = p[n:]
	}
	io.Copy(io.Discard, struct{ io.Reader }{w})
	w.Close()
	return texts, heads
}

func TestWatch(t *testing.T) {
	post := "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\n"
	put := "PUT / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"
	chunks := "5\r\nhello\r\n0\r\nT: v\r\n\r\n"
	head := "HEAD / HTTP/1.1\r\nHost: a\r\n\r\n"
	interim := "HTTP/1.1 100 Continue\r\n\r\n"
	sized := "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n"
	chunked := "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
	open := "HTTP/1.1 200 OK\r\nX: a\r\n folded\r\n\r\n"
	for _, portion := range []int{1, 2, 7, 1 << 20} {
		for _, c := range []struct {
			sent, got string
			texts     [5]string
			heads     int
		}{
			{post + "hello" + put + chunks + head + head, interim + sized + "hello" + chunked + chunks + sized + open,
				[5]string{SentHead: post + put + head + head, SentBody: "hello" + chunks, GotHead: interim + sized + chunked + sized + open, GotBody: "hello" + chunks}, 9},
			{put + chunks, open + "rest" + sized, [5]string{SentHead: put, SentBody: chunks, GotHead: open, GotBody: "rest" + sized}, 2},
			{"CONNECT a:1 HTTP/1.1\r\nHost: a:1\r\n\r\n\x16\x03", sized + "any", [5]string{SentHead: "CONNECT a:1 HTTP/1.1\r\nHost: a:1\r\n\r\n", SentBody: "\x16\x03", GotHead: sized, GotBody: "any"}, 2},
			{"\x16\x03", "SSH-2.0", [5]string{SentBody: "\x16\x03", GotBody: "SSH-2.0"}, 0},
			{head, "HTTP/1.1 200 OK\r\nX", [5]string{SentHead: head, GotHead: "HTTP/1.1 200 OK\r\nX"}, 2},
			{put + "x", chunked + "x", [5]string{SentHead: put, SentBody: "x", GotHead: chunked, GotBody: "x"}, 2},
		} {
			if texts, heads := watchTexts(c.sent, c.got, portion); texts != c.texts || len(heads) != c.heads {
				t.Errorf("%d at a time: %q\nwant %q", portion, texts, c.texts)
			}
		}
	}
}

// A transport whose connections are watched does what it does without.
func TestWatchTransport(t *testing.T) {
	url := connServer(t, func(p *connPeer) {
		for p.head() != "" {
			p.say("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello")
		}
	})
	var mu sync.Mutex
	var texts [5]string
	connections := 0
	tr := &outbound.Transport{Watch: func(nc net.Conn) net.Conn {
		connections++
		return Watch(nc, func(e Event) {
			mu.Lock()
			defer mu.Unlock()
			texts[e.Kind] += string(e.Data)
		})
	}}
	defer tr.CloseIdleConnections()
	for range 2 {
		req, _ := http.NewRequest("GET", url, nil)
		resp, err := tr.RoundTrip(req)
		must(t, err)
		if b, err := io.ReadAll(resp.Body); string(b) != "hello" || err != nil {
			t.Errorf("%q %v", b, err)
		}
		resp.Body.Close()
	}
	host := strings.TrimPrefix(url, "http://")
	want := [5]string{SentHead: strings.Repeat("GET / HTTP/1.1\r\nHost: "+host+"\r\n\r\n", 2), GotHead: strings.Repeat("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n", 2), GotBody: "hellohello"}
	mu.Lock()
	defer mu.Unlock()
	if texts != want || connections != 1 {
		t.Errorf("%q, %d connections", texts, connections)
	}
}

// FuzzWatch: in whatever portions bytes come, the same is told of them, and all
// of it, once.
func FuzzWatch(f *testing.F) {
	f.Add("GET / HTTP/1.1\r\nHost: a\r\n\r\nPOST / HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\nhi", "HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\nxHTTP/1.1 200 OK\r\n\r\nrest", 3)
	f.Add("PUT / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nx\r\n0\r\n\r\n", "HTTP/1.1 103 x\r\n\r\nHTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nx\r\n0\r\n\r\n", 1)
	f.Fuzz(func(t *testing.T, sent, got string, portion int) {
		portion = max(portion, 1)
		texts, heads := watchTexts(sent, got, portion)
		if n := len(strings.Join(texts[:], "")); n != len(sent)+len(got) {
			t.Fatalf("%d octets of %d were told", n, len(sent)+len(got))
		}
		for _, h := range heads {
			if h == "" {
				t.Fatal("an empty head")
			}
		}
	})
}
