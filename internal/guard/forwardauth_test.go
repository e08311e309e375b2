package guard

import (
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"freshet/internal/outbound"
	"freshet/internal/rule"
	"freshet/internal/who"
	"freshet/internal/wiretest"
)

// sawWhole is a handler that remembers the request.
type sawWhole struct{ r *http.Request }

func (s *sawWhole) ServeHTTP(_ http.ResponseWriter, r *http.Request) { s.r = r }

// asking is what asks services, until the test ends.
func asking(t *testing.T) *outbound.Transport {
	transport := &outbound.Transport{}
	t.Cleanup(transport.CloseIdleConnections)
	return transport
}

// What a service answers decides, and it is told what it has to know.
func TestForwardAuth(t *testing.T) {
	var last atomic.Pointer[http.Request] // that it was asked
	service := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		last.Store(r.Clone(r.Context()))
		w.Header().Set("Remote-Groups", "staff")
		switch cookie := r.Header.Get("Cookie"); cookie {
		case "ok":
			w.Header().Set("Remote-User", "ann")
			w.Header().Set("X-Not-Asked", "1")
			w.Header()["X_role"] = []string{"x"}
		case "nameless":
			w.WriteHeader(204)
		case "empty":
			w.Header().Set("Remote-User", "")
		case "bad-name":
			w.Header().Set("Remote-User", "a\tb")
		case "two-names":
			w.Header()["Remote-User"] = []string{"ann", "bob"}
		case "login":
			w.Header().Set("Set-Cookie", "step=1")
			w.Header().Set("Cache-Control", "max-age=60")
			w.Header().Set("Alt-Svc", "h3=\":1\"")
			w.Header().Set("Connection", "X-Hop")
			w.Header().Set("X-Hop", "1")
			http.Redirect(w, r, "https://login.example/?to=x", 302)
		case "401":
			w.Header().Set("WWW-Authenticate", "Bearer")
			w.WriteHeader(401)
			io.WriteString(w, "who are you?")
		case "403":
			w.WriteHeader(403)
		case "long":
			w.WriteHeader(403)
			io.WriteString(w, strings.Repeat("x", maxAuthBody+1))
		case "cut":
			w.Header().Set("Content-Length", "10")
			w.WriteHeader(403)
			io.WriteString(w, "x")
		case "304":
			w.WriteHeader(304)
		case "nowhere":
			w.WriteHeader(302)
		case "slow":
			<-r.Context().Done()
		case "slow-page":
			w.WriteHeader(401)
			w.(http.Flusher).Flush()
			<-r.Context().Done()
		default:
			w.WriteHeader(500)
		}
	}))
	defer service.Close()
	transport := asking(t)
	open := func(o ForwardAuthOptions) *ForwardAuth {
		o.Transport, o.Trusted, o.Fields = transport, front, []string{"Remote-Groups", "X-Role", who.Field}
		return NewForwardAuth(o)
	}
	g := open(ForwardAuthOptions{URL: service.URL + "/verify?x", Timeout: time.Minute})
	hasty := open(ForwardAuthOptions{URL: service.URL, Timeout: 20 * time.Millisecond})
	for _, tt := range []struct {
		cookie string
		guard  *ForwardAuth
		status int
		want   rule.ID
		name   string
	}{
		{"ok", g, 200, 0, "ann"},
		{"nameless", g, 200, 0, ""},
		{"empty", g, 200, 0, ""},
		{"bad-name", g, 502, rule.ForwardAuthStatus, ""},
		{"two-names", g, 502, rule.ForwardAuthStatus, ""},
		{"login", g, 302, rule.ForwardAuthRefused, ""},
		{"401", g, 401, rule.ForwardAuthRefused, ""},
		{"403", g, 403, rule.ForwardAuthRefused, ""},
		{"long", g, 502, rule.ForwardAuthStatus, ""},
		{"cut", g, 502, rule.ForwardAuthUnreachable, ""},
		{"304", g, 502, rule.ForwardAuthStatus, ""},
		{"nowhere", g, 502, rule.ForwardAuthStatus, ""},
		{"500", g, 502, rule.ForwardAuthStatus, ""},
		{"slow", hasty, 504, rule.ForwardAuthTimeout, ""},
		{"slow-page", hasty, 504, rule.ForwardAuthTimeout, ""},
		{"ok", open(ForwardAuthOptions{URL: "http://" + wiretest.Reserve(t) + "/"}), 502, rule.ForwardAuthUnreachable, ""},
	} {
		r := httptest.NewRequest("POST", "http://site.example/a%20b?q=1", strings.NewReader("a body"))
		r.RemoteAddr = "192.0.2.9:1"
		r.Header = http.Header{"Cookie": {tt.cookie}, "Authorization": {"Bearer t"}, "X-Role": {"admin"}, "X_role": {"admin"}, "Remote-Groups": {"admin"}, "Connection": {"x-role, keep-alive"}, "X-Secret": {"1"},
			"X-Forwarded-For": {"6.6.6.6"}, "X-Forwarded-Proto": {"https"}, "X-Forwarded-Host": {"evil.example"}, "X-Forwarded-Uri": {"/open"}, "X-Forwarded-Method": {"GET"}}
		behind, w := &sawWhole{}, httptest.NewRecorder()
		last.Store(nil)
		Handler(behind, tt.guard).ServeHTTP(w, r)
		if w.Code != tt.status || (behind.r != nil) != (tt.want == 0) {
			t.Fatalf("%s: %d, %s", tt.cookie, w.Code, w.Body)
		}
		if on, e := tt.guard.Why(r); (on != nil) != (tt.want == 0) || e.Rule != tt.want {
			t.Errorf("%s: why says %+v", tt.cookie, e)
		}
		if on, refused := tt.guard.Check(http.Header{}, r); (on != nil) != (tt.want == 0) || refused != tt.want {
			t.Errorf("%s: Check says %v", tt.cookie, refused)
		}
		if tt.want != 0 {
			if w.Header().Get("Cache-Control") != "no-store" {
				t.Errorf("%s: %v", tt.cookie, w.Header())
			}
			continue
		}
		by := who.Of(behind.r)
		if by == nil || by.Name != tt.name || behind.r.Header.Get("Remote-User") != tt.name || behind.r.Header.Get("Remote-Groups") != "staff" ||
			len(behind.r.Header["X-Role"])+len(behind.r.Header["X_role"]) > 0 || behind.r.Header.Get("Connection") != "keep-alive" || behind.r.Header.Get("X-Not-Asked") != "" || r.Header.Get("X-Role") != "admin" {
			t.Errorf("%s: %+v, %v", tt.cookie, by, behind.r.Header)
		}
		if body, _ := io.ReadAll(behind.r.Body); string(body) != "a body" {
			t.Errorf("%s: the body is %q", tt.cookie, body)
		}
		asked := last.Load()
		if got := fmt.Sprint(asked.Method, asked.RequestURI, asked.ContentLength, asked.Header["X-Secret"], asked.Header["X-Forwarded-For"], asked.Header["X-Forwarded-Method"],
			asked.Header["X-Forwarded-Uri"], asked.Header["X-Forwarded-Host"], asked.Header["X-Forwarded-Proto"], asked.Header["Authorization"], asked.Header["User-Agent"]); got !=
			"GET/verify?x0 [] [192.0.2.9] [POST] [/a%20b?q=1] [site.example] [http] [Bearer t] []" {
			t.Errorf("%s: it was asked %s", tt.cookie, got)
		}
	}
	w := httptest.NewRecorder()
	r := httptest.NewRequest("GET", "/", nil)
	r.Header.Set("Cookie", "login")
	Handler(&saw{}, g).ServeHTTP(w, r)
	if h := w.Header(); h.Get("Location") != "https://login.example/?to=x" || h.Get("Set-Cookie") != "step=1" || h.Get("Alt-Svc")+h.Get("X-Hop")+h.Get("Connection") != "" {
		t.Errorf("%v", h)
	}
	r.Header.Set("Cookie", "401")
	w = httptest.NewRecorder()
	if Handler(&saw{}, g).ServeHTTP(w, r); w.Body.String() != "who are you?" || w.Header().Get("WWW-Authenticate") != "Bearer" {
		t.Errorf("%v, %s", w.Header(), w.Body)
	}
	// A proxy that is trusted is believed what it tells.
	r.RemoteAddr = "10.0.0.1:1"
	r.Header.Set("X-Forwarded-For", "6.6.6.6, 192.0.2.1")
	r.Header.Set("X-Forwarded-Proto", "https")
	r.Header.Set("X-Forwarded-Host", "public.example")
	g.Why(r)
	asked := last.Load()
	if got := fmt.Sprint(asked.Header["X-Forwarded-For"], asked.Header["X-Forwarded-Proto"], asked.Header["X-Forwarded-Host"]); got != "[192.0.2.1] [https] [public.example]" {
		t.Errorf("it was asked %s", got)
	}
}

// Of several proxies that are trusted the farthest one is believed; what stands before
// its word is the client's.
func TestForwardAuthProxies(t *testing.T) {
	var last atomic.Pointer[http.Request]
	service := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { last.Store(r.Clone(r.Context())) }))
	defer service.Close()
	g := NewForwardAuth(ForwardAuthOptions{URL: service.URL, Transport: asking(t), Trusted: front})
	const one, two = "192.0.2.1", "192.0.2.1, 10.0.0.2"
	for _, tt := range []struct {
		hops        string
		proto, host []string
		want        string
	}{
		{two, []string{"https, http"}, []string{"a.example, b.internal"}, "https a.example"},
		{two, []string{"https", "http"}, []string{"a.example", "b.internal"}, "https a.example"},
		{two, []string{"https"}, []string{"a.example"}, "https a.example"},
		{two, []string{"http, https, http"}, []string{"evil.example, a.example, b.internal"}, "https a.example"},
		{"10.6.6.6, 192.0.2.66, " + two, []string{"http, https, http"}, []string{"evil.example,a.example,b.internal"}, "https a.example"},
		{one, []string{"http, https"}, []string{"evil.example, a.example"}, "https a.example"},
		{"", []string{"http, https"}, []string{"evil.example, a.example"}, "https a.example"},
		{"unknown", []string{"http, https"}, []string{"evil.example, a.example"}, "https a.example"},
		{two + ", 10.0.0.3", []string{"https, http"}, []string{"a.example, b.internal"}, "https a.example"},
		{two, []string{"https, x, http"}, []string{"a.example, b c, b.internal"}, "http site.example"},
		{two, []string{","}, []string{" "}, "http site.example"},
		{two, nil, nil, "http site.example"},
	} {
		r := httptest.NewRequest("GET", "http://site.example/", nil)
		r.RemoteAddr = "10.0.0.1:1"
		r.Header = http.Header{"X-Forwarded-Proto": tt.proto, "X-Forwarded-Host": tt.host}
		if tt.hops != "" {
			r.Header["X-Forwarded-For"] = []string{tt.hops}
		}
		if _, refused := g.Check(nil, r); refused != 0 {
			t.Fatal(refused)
		}
		asked := last.Load().Header
		if got := asked.Get("X-Forwarded-Proto") + " " + asked.Get("X-Forwarded-Host"); got != tt.want {
			t.Errorf("by %q, %q and %q: %s, want %s", tt.hops, tt.proto, tt.host, got, tt.want)
		}
	}
}

// Whom a guard before it has found stays, unless the service names another one; it
// is told of him.
func TestForwardAuthAfter(t *testing.T) {
	service := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Cookie") == "rename" {
			w.Header().Set("Remote-User", "not "+r.Header.Get("Remote-User"))
		}
	}))
	defer service.Close()
	before := guardFunc(func(r *http.Request) *http.Request { return who.On(r, &who.Who{Name: "ann", Method: "Basic"}) })
	for cookie, want := range map[string]who.Who{"": {Name: "ann", Method: "Basic"}, "rename": {Name: "not ann", Method: "Forward"}} {
		r := httptest.NewRequest("GET", "/", nil)
		r.Header.Set("Cookie", cookie)
		behind := &sawWhole{}
		Handler(behind, before, NewForwardAuth(ForwardAuthOptions{URL: service.URL, Transport: asking(t)})).ServeHTTP(httptest.NewRecorder(), r)
		if by := who.Of(behind.r); *by != want || behind.r.Header.Get("Remote-User") != want.Name {
			t.Errorf("%q: %+v, %v", cookie, by, behind.r.Header)
		}
	}
}

// Values in which a line ends, or what is no HTTP, let nobody pass. A folded line is
// one value (RFC 9112 §5.2).
func TestForwardAuthHostile(t *testing.T) {
	const folded = "HTTP/1.1 200 OK\r\nRemote-Groups: a\r\n X-Role: admin\r\nContent-Length: 0\r\n\r\n"
	for _, answer := range []string{
		folded,
		"HTTP/1.1 200 OK\r\nRemote-Groups: a\rX-Role: admin\r\nContent-Length: 0\r\n\r\n",
		"HTTP/1.1 200 OK\r\nRemote-Groups: a\x00b\r\nContent-Length: 0\r\n\r\n",
		"HTTP/1.1 200 OK\r\nRemote-User: ann\nX-Role: admin\r\nContent-Length: 0\r\n\r\n",
		"HTTP/1.1 200 OK\r\nContent-Length: 0\r\nContent-Length: 5\r\n\r\n",
		"HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: x\r\n\r\n",
		"HTTP/1.1 2000 OK\r\n\r\n", "200 OK\r\n\r\n", "SSH-2.0-OpenSSH_9\r\n", "",
	} {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		wiretest.Connections(t, l, func(c net.Conn) {
			c.Read(make([]byte, 4096))
			io.WriteString(c, answer)
		})
		g := NewForwardAuth(ForwardAuthOptions{URL: "http://" + l.Addr().String(), Fields: []string{"Remote-Groups", "X-Role"}, Timeout: time.Minute, Transport: asking(t)})
		behind, w := &sawWhole{}, httptest.NewRecorder()
		Handler(behind, g).ServeHTTP(w, httptest.NewRequest("GET", "/", nil))
		if answer == folded {
			if behind.r == nil || behind.r.Header.Get("X-Role") != "" || strings.ContainsAny(behind.r.Header.Get("Remote-Groups"), "\r\n") {
				t.Errorf("%q: %d, %v", answer, w.Code, behind.r)
			}
			continue
		}
		if behind.r != nil || w.Code != 502 {
			t.Errorf("%q: %d, %v", answer, w.Code, behind.r)
		}
	}
}
