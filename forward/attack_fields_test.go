package forward_test

import (
	"fmt"
	"net/http"
	"net/netip"
	"strings"
	"testing"

	"freshet/forward"
	"freshet/internal/wiretest"
)

// The server that is asked, and the key of the cache, are those of the target,
// whatever Host says (RFC 9112 §3.2.2).
func TestAttackHost(t *testing.T) {
	o := newWitness(t, "127.0.0.1:0", func(r *http.Request, _ string) string {
		return fmt.Sprintf("HTTP/1.1 200 OK\r\nCache-Control: max-age=60\r\nContent-Length: %d\r\n\r\n%s", len(r.Host), r.Host)
	})
	addr := start(t, forward.Options{AllowPrivate: true, Store: newStore(t)})
	for i, host := range []string{"evil.test", "evil.test:80", "", "user@evil.test", "x, y"} {
		path := fmt.Sprintf("/%d", i)
		got := ask(t, addr, "GET http://"+o.host()+path+" HTTP/1.1\r\nHost: "+host+"\r\n\r\n")
		if len(got) != 1 || got[0].status == 200 && got[0].body != o.host() || got[0].status != 200 && got[0].status != 400 {
			t.Errorf("Host %q: %+v", host, got)
			continue
		}
		took := got[0].status == 200
		if saw := o.requests(); took != (saw == "GET "+path+" O") || !took && saw != "" {
			t.Errorf("Host %q: the server saw %q", host, saw)
		}
		got = ask(t, addr, "GET http://"+o.host()+path+" HTTP/1.1\r\nHost: "+o.host()+"\r\n\r\n")
		if len(got) != 1 || got[0].body != o.host() {
			t.Errorf("after Host %q: %+v", host, got)
		}
		if hit := strings.Contains(got[0].fields.Get("Cache-Status"), "; hit"); hit != took {
			t.Errorf("after Host %q: Cache-Status %q", host, got[0].fields.Get("Cache-Status"))
		}
		o.requests()
	}
	// The other way round: what is kept for this target is nobody else's.
	got := ask(t, addr, "GET http://"+wiretest.Reserve(t)+"/0 HTTP/1.1\r\nHost: "+o.host()+"\r\n\r\n")
	if saw := o.requests(); len(got) != 1 || got[0].status != 502 || saw != "" {
		t.Errorf("another target: %+v, and the server saw %q", got, saw)
	}
}

// What a client says of a connection ends there: fields that Connection names,
// credentials for the proxy, and no field of ours (RFC 9110 §7.6.1).
func TestAttackHopByHop(t *testing.T) {
	o := newWitness(t, "127.0.0.1:0", nil)
	addr := start(t, forward.Options{AllowPrivate: true, Name: "here"})
	for _, tt := range []struct{ send, gone, kept string }{
		{"Proxy-Authorization: Basic YTpi\r\nProxy-Connection: keep-alive\r\nProxy-Authenticate: x\r\nKeep-Alive: timeout=5\r\n", "Proxy-Authorization Proxy-Connection Keep-Alive", ""},
		{"proxy-AUTHORIZATION: Basic YTpi\r\nProxy-Authorization: Basic YTpj\r\n", "Proxy-Authorization", ""},
		{"Connection: X-Mine, Cookie\r\nX-Mine: 1\r\nCookie: a=b\r\nX-Other: 2\r\n", "X-Mine Cookie Connection", "X-Other"},
		{"Connection: x-mine\r\nConnection: ,,\tclose \r\nX-Mine: 1\r\n", "X-Mine", ""},
		{"Connection: Via, Host, Content-Length, Proxy-Authorization\r\nVia: 1.1 other\r\nProxy-Authorization: Basic YTpi\r\n", "Proxy-Authorization", "Via"},
		{"TE: trailers, deflate;q=0.5\r\nConnection: TE\r\n", "", "Te"},
		{"Upgrade: h2c\r\nHTTP2-Settings: AAA\r\nConnection: Upgrade, HTTP2-Settings\r\n", "Upgrade Http2-Settings", ""},
		{"Upgrade: websocket\r\n", "Upgrade", ""}, // Connection does not name it
	} {
		got := ask(t, addr, "GET http://"+o.host()+"/ HTTP/1.1\r\nHost: x\r\n"+tt.send+"\r\n")
		if statuses(got) != "200" {
			t.Errorf("%q: %+v", tt.send, got)
			continue
		}
		saw := o.fields()
		for name := range strings.FieldsSeq(tt.gone) {
			if saw[name] != nil {
				t.Errorf("%q: the server got %s: %q", tt.send, name, saw[name])
			}
		}
		for name := range strings.FieldsSeq(tt.kept) {
			if saw[name] == nil {
				t.Errorf("%q: the server got no %s", tt.send, name)
			}
		}
		if via := saw.Get("Via"); !strings.HasSuffix(via, "1.1 here") {
			t.Errorf("%q: Via %q", tt.send, via)
		}
		if te := saw.Get("Te"); te != "" && te != "trailers" {
			t.Errorf("%q: TE %q", tt.send, te)
		}
	}
}

// An answer that was made for a request without a field, because Connection
// took it away, is not kept as that of a request with it.
func TestAttackHopByHopKey(t *testing.T) {
	for _, name := range []string{"Accept-Language", "Cookie", "Authorization", "X-Mine"} {
		o := newWitness(t, "127.0.0.1:0", func(r *http.Request, _ string) string {
			v := "[" + r.Header.Get(name) + "]"
			return fmt.Sprintf("HTTP/1.1 200 OK\r\nCache-Control: public, max-age=60\r\nVary: %s\r\nContent-Length: %d\r\n\r\n%s", name, len(v), v)
		})
		addr := start(t, forward.Options{AllowPrivate: true, Store: newStore(t)})
		request := "GET http://" + o.host() + "/ HTTP/1.1\r\nHost: x\r\n" + name + ": mine\r\n"
		first := ask(t, addr, request+"Connection: "+name+"\r\n\r\n")
		second := ask(t, addr, request+"\r\n")
		if len(first) != 1 || len(second) != 1 || first[0].body != "[]" || second[0].body != "[mine]" {
			t.Errorf("%s: %+v, then %+v", name, first, second)
		}
	}
}

// A request that passed this proxy is refused, whatever it does to hide that;
// one that passed others is not.
func TestAttackLoops(t *testing.T) {
	o := newWitness(t, "127.0.0.1:0", nil)
	addr := start(t, forward.Options{AllowPrivate: true, Store: newStore(t), Name: "here"})
	for _, tt := range []struct{ send, want string }{
		{"Via: 1.1 here", "508"},
		{"Via: HTTP/1.1 HERE (comment)", "508"},
		{"Via: 1.0 a, 1.1 here, 2 b", "508"},
		{"Via: 1.0 a\r\nVia: 1.1 here", "508"},
		{"Via: 1.1 \t here", "508"},
		{"Connection: Via\r\nVia: 1.1 here", "508"},
		{"Via: 1.1 hereafter", "200"},
		{"Via: 1.1 there (1.1 here)", "200"},
		{"Via: here", "200"},
	} {
		if got := statuses(ask(t, addr, "GET http://"+o.host()+"/ HTTP/1.1\r\nHost: x\r\n"+tt.send+"\r\n\r\n")); got != tt.want {
			t.Errorf("%q: %s, want %s", tt.send, got, tt.want)
		}
	}
	if got := ask(t, addr, "GET http://"+addr+"/ HTTP/1.1\r\nHost: x\r\n\r\n"); len(got) != 1 || !strings.Contains(got[0].body, "This is a proxy") {
		t.Errorf("the proxy by itself: %+v", got) // its own page, once: no request goes round
	}
}

// TRACE and OPTIONS go as far as Max-Forwards says; what comes back has no
// credentials (RFC 9110 §7.6.2, §9.3.8).
func TestAttackMaxForwards(t *testing.T) {
	o := newWitness(t, "127.0.0.1:0", nil)
	addr := start(t, forward.Options{AllowPrivate: true})
	for _, tt := range []struct{ method, value, reached string }{
		{"TRACE", "0", ""}, {"OPTIONS", "0", ""}, {"OPTIONS", "1", "0"}, {"GET", "0", "0"}, {"OPTIONS", "99999999999999999999", "99999999999999999999"},
	} {
		got := ask(t, addr, tt.method+" http://"+o.host()+"/ HTTP/1.1\r\nHost: x\r\nMax-Forwards: "+tt.value+"\r\nCookie: a=secret\r\nAuthorization: secret\r\nProxy-Authorization: secret\r\n\r\n")
		if len(got) != 1 || got[0].status != 200 && tt.method != "TRACE" || strings.Contains(got[0].body, "secret") {
			t.Errorf("%s %s: %+v", tt.method, tt.value, got)
		}
		switch saw := o.requests(); {
		case tt.reached == "" && saw != "":
			t.Errorf("%s %s: the server saw %q", tt.method, tt.value, saw)
		case tt.reached != "" && (saw == "" || o.fields().Get("Max-Forwards") != tt.reached):
			t.Errorf("%s %s: the server saw %q with %v", tt.method, tt.value, saw, o.fields()["Max-Forwards"])
		}
	}
}

// Ends of lines that are written in some other way stay that way: no field, and
// no request, comes of them.
func TestAttackInjection(t *testing.T) {
	o := newWitness(t, "127.0.0.1:0", nil)
	addr := start(t, forward.Options{AllowPrivate: true})
	for _, tt := range []struct{ raw, want, reached string }{
		{"GET http://O/a%0d%0aX-Evil:%201 HTTP/1.1\r\nHost: x\r\n\r\n", "200", "GET /a%0d%0aX-Evil:%201 O"},
		{"GET http://O/?q=%0d%0aX-Evil:%201 HTTP/1.1\r\nHost: x\r\n\r\n", "200", "GET /?q=%0d%0aX-Evil:%201 O"},
		{"GET http://O/%0aX HTTP/1.1\r\nHost: x\r\nX-A: %0d%0aX-Evil: 1\r\n\r\n", "200", "GET /%0aX O"},
		{"GET http://O%0d%0aX-Evil:1/ HTTP/1.1\r\nHost: x\r\n\r\n", "400", ""},
		{"GET http://127.0.0.1%0d%0aX-Evil/ HTTP/1.1\r\nHost: x\r\n\r\n", "502 400", ""},
		{"GET http://O/\u560a\u560dX-Evil:1 HTTP/1.1\r\nHost: x\r\n\r\n", "400", ""},
		{"GET http://O/a\tb HTTP/1.1\r\nHost: x\r\n\r\n", "400", ""},
		{"GET http://O/a\x00b HTTP/1.1\r\nHost: x\r\n\r\n", "400", ""},
		{"GET http://O/a\x0bX-Evil:1 HTTP/1.1\r\nHost: x\r\n\r\n", "400", ""},
		{"GET http://O/%zz HTTP/1.1\r\nHost: x\r\n\r\n", "400", ""},
		{"GE\vT http://O/ HTTP/1.1\r\nHost: x\r\n\r\n", "400", ""},
		{"CONNECT 127.0.0.1%0d%0a:443 HTTP/1.1\r\nHost: x\r\n\r\n", "502 400", ""},
	} {
		raw := strings.ReplaceAll(tt.raw, "//O", "//"+o.host())
		got := ask(t, addr, raw)
		if saw := o.requests(); !strings.Contains(tt.want, statuses(got)) || len(got) != 1 || saw != tt.reached {
			t.Errorf("%q: %v, and the server saw %q; want %s, %q", raw, got, saw, tt.want, tt.reached)
		} else if tt.reached != "" && o.fields().Get("X-Evil") != "" {
			t.Errorf("%q: a field came of it", raw)
		}
	}
	if got := ask(t, addr, "GET http://127.0.0.1:1/ HTTP/1.1\r\nHost: \"><script>alert(1)</script>\r\nAccept: text/html\r\n\r\n"); len(got) != 1 || strings.Contains(got[0].body, "<script>") {
		t.Errorf("%+v", got)
	}
}

// What a server made of fields that name another address is for whoever sent
// them alone; nobody else gets it from the cache, and they get nobody else's.
func TestAttackForwardedFields(t *testing.T) {
	o := newWitness(t, "127.0.0.1:0", func(r *http.Request, _ string) string {
		v := "links to"
		for name, values := range r.Header {
			if strings.Contains(name, "Forwarded") {
				v += " " + strings.Join(values, " ")
			}
		}
		return fmt.Sprintf("HTTP/1.1 200 OK\r\nCache-Control: max-age=60\r\nContent-Length: %d\r\n\r\n%s", len(v), v)
	})
	for _, hot := range []bool{false, true} {
		store := newStore(t)
		addr := startHot(t, forward.Options{AllowPrivate: true, Store: store}, hot)
		for i, tt := range []struct {
			field string
			kept  bool
		}{
			{"X-Forwarded-Host: evil.test", false},
			{"x-forwarded-HOST: evil.test", false},
			{"X_Forwarded_Host: evil.test", false},
			{"X-Forwarded-Proto: evil", false},
			{"X-Forwarded-Port: evil", false},
			{"X-Forwarded-Prefix: /evil", false},
			{"Forwarded: for=192.0.2.1;Host=evil.test", false},
			{"Forwarded: for=192.0.2.1\r\nFORWARDED: proto=evil", false},
			{"X-Forwarded-For: 192.0.2.1", true},
			{"Forwarded: for=192.0.2.1", true},
		} {
			get := fmt.Sprintf("GET http://%s/%d HTTP/1.1\r\nHost: x\r\n", o.host(), i)
			first, second := ask(t, addr, get+tt.field+"\r\n\r\n")[0], ask(t, addr, get+"\r\n")[0]
			third := ask(t, addr, get+tt.field+"\r\n\r\n")[0]
			if strings.Contains(second.body, "evil") || strings.Contains(second.fields.Get("Cache-Status"), "; hit") != tt.kept {
				t.Errorf("%s: then %+v", tt.field, second)
			}
			if third.body != first.body || strings.Contains(third.fields.Get("Cache-Status"), "; hit") != tt.kept {
				t.Errorf("%s: %+v, and later %+v", tt.field, first, third)
			}
		}
	}
}

// The hot path serves those who may use the proxy, and what they ask it for: the
// same as the other one.
func TestAttackHot(t *testing.T) {
	o := newWitness(t, "127.0.0.1:0", func(r *http.Request, _ string) string {
		return "HTTP/1.1 200 OK\r\nCache-Control: max-age=60\r\nContent-Length: 6\r\n\r\nsecret"
	})
	store := newStore(t)
	addr := startHot(t, forward.Options{AllowPrivate: true, Store: store, Name: "here"}, true)
	get := "GET http://" + o.host() + "/ HTTP/1.1\r\nHost: x\r\n"
	for range 2 {
		if got := ask(t, addr, get+"\r\n"); statuses(got) != "200" {
			t.Fatalf("%+v", got)
		}
	}
	login := startHot(t, forward.Options{AllowPrivate: true, Store: store, Name: "here", Login: func(n, p string) bool { return false }}, true)
	others := startHot(t, forward.Options{AllowPrivate: true, Store: store, Name: "here", Clients: []netip.Prefix{netip.MustParsePrefix("192.0.2.0/24")}}, true)
	for _, tt := range []struct{ what, addr, request, want string }{
		{"a hit", addr, get, "200"},
		{"a hit for who has no password", login, get, "407"},
		{"a hit for who has a wrong one", login, get + "Proxy-Authorization: Basic YTpi\r\n", "407"},
		{"a hit for another client", others, get, "403"},
		{"a loop", addr, get + "Via: 1.1 here\r\n", "508"},
		{"in origin-form", addr, "GET / HTTP/1.1\r\nHost: " + o.host() + "\r\n", "200"}, // the proxy's own page
		{"the same host, by https", addr, "GET https://" + o.host() + "/ HTTP/1.1\r\nHost: " + o.host() + "\r\n", "502"},
		{"two fields Host", addr, get + "Host: y\r\n", "400"},
		{"user information", addr, "GET http://a@" + o.host() + "/ HTTP/1.1\r\nHost: x\r\n", "400"},
		{"a field between the parts of the proxy", addr, get + "Freshet-Sheet: 1\r\n", "200"},
	} {
		got := ask(t, tt.addr, tt.request+"\r\n")
		if statuses(got) != tt.want || (got[0].body == "secret") != (tt.want == "200" && tt.what != "in origin-form") {
			t.Errorf("%s: %+v", tt.what, got)
		}
	}
}
