package proxy_test

import (
	"bufio"
	"io"
	"net"
	"net/http"
	"net/http/httptrace"
	"net/textproto"
	"strings"
	"testing"

	"freshet/proxy"
)

// Interim answers pass with their fields, which are not those of the final one.
func TestInterimAnswers(t *testing.T) {
	url := script(t, answers("HTTP/1.1 102 Processing\r\nX-N: 1\r\n\r\n"+
		"HTTP/1.1 103 Early Hints\r\nLink: </a.css>; rel=preload\r\nLink: </b.js>; rel=preload\r\nConnection: X-Hop\r\nX-Hop: 1\r\n\r\n"+
		"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nX-Final: 1\r\n\r\nok"))
	h := newProxy(t, proxy.Options{Origins: []string{url}})
	eachFront(t, h, func(t *testing.T, url string, client *http.Client) {
		var got []string
		ctx := httptrace.WithClientTrace(t.Context(), &httptrace.ClientTrace{
			Got1xxResponse: func(code int, h textproto.MIMEHeader) error {
				got = append(got, http.StatusText(code)+" "+h.Get("X-N")+strings.Join(h["Link"], "+")+h.Get("X-Hop")+h.Get("X-Final"))
				return nil
			},
		})
		r, _ := http.NewRequestWithContext(ctx, "GET", url, nil)
		resp, err := client.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		defer resp.Body.Close()
		if b, _ := io.ReadAll(resp.Body); string(b) != "ok" || resp.Header.Get("X-Final") != "1" || resp.Header.Get("Link") != "" || resp.Header.Get("X-N") != "" {
			t.Errorf("%q %v", b, resp.Header)
		}
		want := "Processing 1, Early Hints </a.css>; rel=preload+</b.js>; rel=preload"
		if s := strings.Join(got, ", "); s != want {
			t.Errorf("%q, want %q", s, want)
		}
	})
}

// HTTP/1.0 has no interim answers (RFC 9110 §15.2).
func TestInterimToOldClient(t *testing.T) {
	url := script(t, answers("HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"))
	addr, _ := serve(t, newProxy(t, proxy.Options{Origins: []string{url}}))
	if got := talk(t, addr, "GET / HTTP/1.0\r\n\r\n"); !strings.HasPrefix(got, "HTTP/1.1 200") || strings.Contains(got, "Link") {
		t.Errorf("%q", got)
	}
}

// A client that waits for 100 gets it when the origin wants the body, and a
// refusal at once when it does not.
func TestExpect(t *testing.T) {
	expects := make(chan string, 4)
	url := script(t, func(c net.Conn, br *bufio.Reader) {
		head, err := readHead(br)
		if err != nil {
			return
		}
		expects <- lineOf(head, "Expect")
		if strings.HasPrefix(head, "PUT /no ") {
			io.WriteString(c, "HTTP/1.1 417 Expectation Failed\r\nContent-Length: 2\r\n\r\nno")
			io.Copy(io.Discard, br)
			return
		}
		io.WriteString(c, "HTTP/1.1 100 Continue\r\n\r\n")
		body := make([]byte, 4)
		io.ReadFull(br, body)
		io.WriteString(c, "HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\n"+string(body))
	})
	h := newProxy(t, proxy.Options{Origins: []string{url}})
	addr, _ := serve(t, h)

	c, br := dial(t, addr)
	io.WriteString(c, "PUT /yes HTTP/1.1\r\nHost: x\r\nContent-Length: 4\r\nExpect: 100-continue\r\n\r\n")
	if head, _ := readHead(br); !strings.HasPrefix(head, "HTTP/1.1 100 ") {
		t.Fatalf("%q", head)
	}
	io.WriteString(c, "body")
	resp, err := http.ReadResponse(br, nil)
	if err != nil || resp.StatusCode != 200 {
		t.Fatal(resp, err)
	}
	if b, _ := io.ReadAll(resp.Body); string(b) != "body" {
		t.Errorf("%q", b)
	}
	if e := receive(t, expects); e != "100-continue" {
		t.Errorf("Expect at the origin: %q", e)
	}

	c, br = dial(t, addr)
	io.WriteString(c, "PUT /no HTTP/1.1\r\nHost: x\r\nContent-Length: 4\r\nExpect: 100-continue\r\n\r\n")
	if head, _ := readHead(br); !strings.HasPrefix(head, "HTTP/1.1 417 ") {
		t.Errorf("%q", head)
	}
}
