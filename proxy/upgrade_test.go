package proxy_test

import (
	"bufio"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"freshet/proxy"
)

const upgradeRequest = "GET /ws HTTP/1.1\r\nHost: x\r\nConnection: keep-alive, Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Key: k\r\n\r\n"

// echo is an origin that switches protocols and then sends back what it gets,
// and "bye" when the client has ended.
func echo(t testing.TB) string {
	return script(t, func(c net.Conn, br *bufio.Reader) {
		head, err := readHead(br)
		if err != nil {
			return
		}
		io.WriteString(c, "HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: "+lineOf(head, "Upgrade")+
			"\r\nSec-WebSocket-Accept: "+lineOf(head, "Sec-WebSocket-Key")+"\r\n\r\nhello ")
		io.Copy(c, br)
		io.WriteString(c, "bye")
	})
}

// An upgraded connection passes bytes both ways, what came early included, and
// each side may end before the other.
func TestUpgrade(t *testing.T) {
	h := newProxy(t, proxy.Options{Origins: []string{echo(t)}})
	addr, recs := serve(t, h)
	for _, addr := range []string{addr, serveStd(t, h)} {
		c, br := dial(t, addr)
		io.WriteString(c, upgradeRequest+"early ")
		head, err := readHead(br)
		if err != nil || !strings.HasPrefix(head, "HTTP/1.1 101 ") || !strings.EqualFold(lineOf(head, "Connection"), "upgrade") ||
			lineOf(head, "Upgrade") != "websocket" || lineOf(head, "Sec-WebSocket-Accept") != "k" {
			t.Fatalf("%q, %v", head, err)
		}
		io.WriteString(c, "late")
		want := "hello early late"
		b := make([]byte, len(want))
		if _, err := io.ReadFull(br, b); err != nil || string(b) != want {
			t.Fatalf("%q, %v", b, err)
		}
		c.(*net.TCPConn).CloseWrite()
		if b, err := io.ReadAll(br); string(b) != "bye" || err != nil {
			t.Errorf("%s: after the client's end: %q, %v", addr, b, err)
		}
	}
	if r := recs.rule(t); r != "proxy-upgraded" {
		t.Errorf("rule %s", r)
	}
}

// Nothing on it for too long, and it ends; so it does with Close.
func TestUpgradeEnds(t *testing.T) {
	for name, end := range map[string]func(h *proxy.Handler){"idle": func(*proxy.Handler) {}, "close": (*proxy.Handler).Close} {
		t.Run(name, func(t *testing.T) {
			o := proxy.Options{Origins: []string{echo(t)}}
			if name == "idle" {
				o.UpgradeIdle = 20 * time.Millisecond
			}
			h := newProxy(t, o)
			addr, _ := serve(t, h)
			c, br := dial(t, addr)
			io.WriteString(c, upgradeRequest)
			readHead(br)
			io.ReadFull(br, make([]byte, len("hello ")))
			end(h)
			if b, err := io.ReadAll(br); len(b) > 0 {
				t.Errorf("%q, %v", b, err)
			}
		})
	}
}

// An origin may refuse to switch, and may not switch to something else.
func TestUpgradeRefused(t *testing.T) {
	for raw, want := range map[string]string{
		"HTTP/1.1 426 Upgrade Required\r\nConnection: upgrade\r\nUpgrade: other\r\nContent-Length: 0\r\n\r\n": "426",
		"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n":                                                        "200",
		"HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: other\r\n\r\n":                   "502",
		"HTTP/1.1 101 Switching Protocols\r\n\r\n":                                                            "502",
	} {
		addr, _ := serve(t, newProxy(t, proxy.Options{Origins: []string{script(t, answers(raw))}}))
		c, br := dial(t, addr)
		io.WriteString(c, upgradeRequest)
		if head, _ := readHead(br); !strings.HasPrefix(head, "HTTP/1.1 "+want+" ") {
			t.Errorf("%q: %q", raw, head)
		}
	}
}

// HTTP/2 has no Upgrade (RFC 9113 §8.2.2), so an origin is not asked for it.
func TestUpgradeNotOverHTTP2(t *testing.T) {
	url, heads := seen(t)
	addr, client := serveH2(t, newProxy(t, proxy.Options{Origins: []string{url}}))
	r, _ := http.NewRequest("GET", "https://"+addr, nil)
	resp, err := client.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	if head := receive(t, heads); lineOf(head, "Upgrade") != "" || lineOf(head, "Via") != "2 freshet" || lineOf(head, "X-Forwarded-Proto") != "https" {
		t.Errorf("%q", head)
	}
}
