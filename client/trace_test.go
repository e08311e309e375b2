package client

import (
	"strings"
	"testing"
	"time"
)

// Each byte is told once, in order, and as it was on the wire.
func TestTrace(t *testing.T) {
	says := "HTTP/1.1 103 x\r\n\r\nHTTP/1.1 200 OK\r\nX : folded\r\n value\r\nTransfer-Encoding: chunked\r\n\r\n" +
		"5;x\r\nhello\r\n1388\r\n" + strings.Repeat("x", 5000) + "\r\n0\r\nT: v\r\n\r\n" + "HTTP/1.1 204 Next\r\n\r\n"
	url := connServer(t, func(p *connPeer) { p.head(); p.take(5); p.head(); p.say(says); p.gone() })
	var texts [5]string
	var kinds string
	last := time.Now()
	c := dialTest(t, url, DialOptions{Trace: func(e Event) {
		texts[e.Kind] += string(e.Data)
		kinds += "nHBhb"[e.Kind:][:1]
		if e.Kind.Sent() && e.Time.Before(last) || e.Time.IsZero() {
			t.Errorf("%v at %v, before %v", e.Kind, e.Time, last)
		}
		if e.Kind.Sent() {
			last = e.Time
		}
	}})
	must(t, c.Request("POST", "/", nil, strings.NewReader("hello")))
	putGet(t, c, "/2")
	readReply(t, c)
	readReply(t, c)
	host := strings.TrimPrefix(url, "http://")
	added := "Accept-Encoding: identity\r\n\r\n"
	want := [5]string{
		"connected to " + host + " (" + host + ")",
		"POST / HTTP/1.1\r\nHost: " + host + "\r\nContent-Length: 5\r\n" + added + "GET /2 HTTP/1.1\r\nHost: " + host + "\r\n" + added,
		"hello",
		says[:strings.Index(says, "5;x")] + "HTTP/1.1 204 Next\r\n\r\n",
		says[strings.Index(says, "5;x"):strings.Index(says, "HTTP/1.1 204")],
	}
	if texts != want {
		t.Errorf("%q\nwant %q", texts, want)
	}
	if !strings.HasPrefix(kinds, "nHBHhhb") || !strings.HasSuffix(kinds, "bh") {
		t.Error(kinds)
	}
	// What is broken is told, too.
	url = connServer(t, func(p *connPeer) { p.head(); p.say("HTTP/1.1 200 OK\r\nbroken"); p.Conn.Close() })
	got := ""
	c = dialTest(t, url, DialOptions{Trace: func(e Event) {
		if e.Kind == GotHead {
			got += string(e.Data)
		}
	}})
	putGet(t, c, "/")
	if _, err := c.GetReply(); err == nil || got != "HTTP/1.1 200 OK\r\nbroken" {
		t.Errorf("%q %v", got, err)
	}
}

func TestMasked(t *testing.T) {
	for in, want := range map[string]string{
		"GET /?a=b HTTP/1.1\r\nHost: a\r\n\r\n":                                           "GET /?a=b HTTP/1.1\r\nHost: a\r\n\r\n",
		"GET / HTTP/1.1\r\nAUTHORIZATION: Bearer  secret\r\nA: b\r\n\r\n":                 "GET / HTTP/1.1\r\nAUTHORIZATION: Bearer ***\r\nA: b\r\n\r\n",
		"GET / HTTP/1.1\r\nProxy-Authorization:secret\r\n\r\n":                            "GET / HTTP/1.1\r\nProxy-Authorization: ***\r\n\r\n",
		"GET / HTTP/1.1\r\nAuthorization : Basic x\r\n secret\r\nB: c\r\n\r\n":            "GET / HTTP/1.1\r\nAuthorization : Basic ***\r\n ***\r\nB: c\r\n\r\n",
		"GET / HTTP/1.1\r\ncookie: a=secret; b=se=cret;secret\r\n\r\n":                    "GET / HTTP/1.1\r\ncookie: a=***; b=***;***\r\n\r\n",
		"HTTP/1.1 200 OK\nSet-Cookie: a=secret; Path=/; HttpOnly\nset-cookie: secret\n\n": "HTTP/1.1 200 OK\nSet-Cookie: a=***; Path=/; HttpOnly\nset-cookie: ***\n\n",
		"HTTP/1.1 200 OK\r\nX: y\r\n folded\r\n\r\n":                                      "HTTP/1.1 200 OK\r\nX: y\r\n folded\r\n\r\n",
		"Authorization":         "Authorization",
		"Authorization: secret": "Authorization: ***",
	} {
		for _, kind := range []EventKind{SentHead, GotHead} {
			if got := string(Event{Kind: kind, Data: []byte(in)}.Masked()); got != want {
				t.Errorf("%q: %q, want %q", in, got, want)
			}
		}
		if got := string(Event{Kind: GotBody, Data: []byte(in)}.Masked()); got != in {
			t.Errorf("body: %q", got)
		}
	}
}

// FuzzMasked masks anything, and leaves no secret behind.
func FuzzMasked(f *testing.F) {
	f.Add("a b", "\r\n")
	f.Add("secret; b=c", "\n x")
	f.Fuzz(func(t *testing.T, a, b string) {
		for _, name := range []string{"Authorization: ", "cookie:", "Set-Cookie: x="} {
			in := a + "\n" + name + "zq7secretzq7\r\n" + b
			if strings.HasPrefix(b, "zq7") || strings.Contains(a+b, "zq7") {
				return
			}
			if got := string(Event{Kind: SentHead, Data: []byte(in)}.Masked()); strings.Contains(got, "zq7secret") {
				t.Fatalf("%q: %q", in, got)
			}
		}
	})
}
