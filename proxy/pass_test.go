package proxy_test

import (
	"io"
	"net/http"
	"strings"
	"testing"

	"freshet/proxy"
)

// What an origin says passes as it is, however odd.
func TestAnswersPassUnchanged(t *testing.T) {
	for name, raw := range map[string]string{
		"plain":      "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok",
		"299":        "HTTP/1.1 299 Odd\r\nContent-Length: 2\r\n\r\nok",
		"499":        "HTTP/1.1 499 Odd\r\nContent-Length: 2\r\n\r\nok",
		"599":        "HTTP/1.1 599 Odd\r\nContent-Length: 2\r\n\r\nok",
		"date":       "HTTP/1.1 200 OK\r\nDate: foo\r\nContent-Length: 2\r\n\r\nok",
		"cookies":    "HTTP/1.1 200 OK\r\nSet-Cookie: a=1\r\nSet-Cookie: b=2\r\nContent-Length: 2\r\n\r\nok",
		"coding":     "HTTP/1.1 200 OK\r\nContent-Encoding: foo\r\nContent-Length: 2\r\n\r\nok",
		"gzip":       "HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 2\r\n\r\nok",
		"server":     "HTTP/1.1 200 OK\r\nServer: origin/1\r\nAge: 7\r\nContent-Length: 2\r\n\r\nok",
		"redirect":   "HTTP/1.1 302 Found\r\nLocation: /elsewhere\r\nContent-Length: 2\r\n\r\nok",
		"chunked":    "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n",
		"empty":      "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n",
		"no content": "HTTP/1.1 204 No Content\r\nX-A: 1\r\n\r\n",
		"304":        "HTTP/1.1 304 Not Modified\r\nETag: \"x\"\r\n\r\n",
	} {
		t.Run(name, func(t *testing.T) {
			h := newProxy(t, proxy.Options{Origins: []string{script(t, answers(raw))}})
			eachFront(t, h, func(t *testing.T, url string, client *http.Client) {
				resp, err := client.Get(url + "/x")
				if err != nil {
					t.Fatal(err)
				}
				defer resp.Body.Close()
				body, err := io.ReadAll(resp.Body)
				head, _, _ := strings.Cut(raw, "\r\n\r\n")
				lines := strings.Split(head, "\r\n")
				if want := lines[0][9:12]; resp.Status[:3] != want {
					t.Errorf("status %s, want %s", resp.Status, want)
				}
				for _, line := range lines[1:] {
					name, value, _ := strings.Cut(line, ": ")
					if name == "Transfer-Encoding" {
						continue
					}
					found := false
					for _, v := range resp.Header.Values(name) {
						found = found || v == value
					}
					if !found {
						t.Errorf("%s: %q, want %q", name, resp.Header.Values(name), value)
					}
				}
				if strings.HasSuffix(raw, "ok") && string(body) != "ok" || err != nil {
					t.Errorf("body %q, %v", body, err)
				}
				if !strings.Contains(head, "Server:") && resp.Header.Get("Server") != "" {
					t.Errorf("Server: %s", resp.Header.Get("Server"))
				}
				if ct := resp.Header.Get("Content-Type"); ct != "" {
					t.Errorf("Content-Type guessed: %s", ct)
				}
				if via := resp.Header.Get("Via"); via != "1.1 freshet" {
					t.Errorf("Via: %q", via)
				}
			})
		})
	}
}

// A 304 keeps its Content-Length, which is that of the 200 (RFC 9110 §15.4.5).
func TestLengthOf304(t *testing.T) {
	h := newProxy(t, proxy.Options{Origins: []string{script(t, answers("HTTP/1.1 304 Not Modified\r\nContent-Length: 77\r\nETag: \"x\"\r\n\r\n"))}})
	addr, recs := serve(t, h)
	got := talk(t, addr, "GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
	if !strings.HasPrefix(got, "HTTP/1.1 304 ") || !strings.Contains(got, "\r\nContent-Length: 77\r\n") {
		t.Errorf("%q", got)
	}
	if r := recs.rule(t); r != "proxy-answered" {
		t.Errorf("rule %s", r)
	}
}

// HEAD keeps the length that GET would have, and has no body.
func TestHead(t *testing.T) {
	h := newProxy(t, proxy.Options{Origins: []string{script(t, answers("HTTP/1.1 200 OK\r\nContent-Length: 77\r\n\r\n"))}})
	eachFront(t, h, func(t *testing.T, url string, client *http.Client) {
		resp, err := client.Head(url)
		if err != nil {
			t.Fatal(err)
		}
		resp.Body.Close()
		if resp.ContentLength != 77 {
			t.Errorf("length %d", resp.ContentLength)
		}
	})
}

// Fields of the origin's connection stay there, and Via is continued.
func TestHopFieldsOfAnswers(t *testing.T) {
	raw := "HTTP/1.1 200 OK\r\nConnection: X-Mine, close, content-length\r\nX-Mine: 1\r\nX-Other: 2\r\nKeep-Alive: timeout=5\r\nProxy-Connection: x\r\n" +
		"Proxy-Authenticate: Basic\r\nUpgrade: x\r\nVia: 1.0 a, 1.1 b\r\nContent-Length: 2\r\n\r\nok"
	h := newProxy(t, proxy.Options{Origins: []string{script(t, answers(raw))}, Name: "edge"})
	eachFront(t, h, func(t *testing.T, url string, client *http.Client) {
		resp, err := client.Get(url)
		if err != nil {
			t.Fatal(err)
		}
		defer resp.Body.Close()
		for _, name := range []string{"Connection", "X-Mine", "Keep-Alive", "Proxy-Connection", "Proxy-Authenticate", "Upgrade"} {
			if v := resp.Header.Values(name); len(v) > 0 {
				t.Errorf("%s: %q", name, v)
			}
		}
		if via := resp.Header.Get("Via"); via != "1.0 a, 1.1 b, 1.1 edge" || resp.Header.Get("X-Other") != "2" || resp.ContentLength != 2 {
			t.Errorf("Via %q, length %d, %v", via, resp.ContentLength, resp.Header)
		}
	})
}
