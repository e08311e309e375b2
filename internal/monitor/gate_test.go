package monitor

import (
	"context"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"strings"
	"testing"
	"time"

	"freshet/check"
	"freshet/internal/control"
)

// A page of another site reaches the monitor by that site's name only.
func TestHosts(t *testing.T) {
	f := newFixture(t, func(o *Options) { o.Access.Names = []string{"monitor.example", "box."} })
	for host, want := range map[string]int{
		"127.0.0.1:8001": 200, "127.0.0.1": 200, "localhost:8001": 200, "LOCALHOST": 200, "localhost.:8001": 200, "a.localhost": 200, "[::1]:8001": 200, "[::1]": 200, "192.0.2.1:8001": 200,
		"monitor.example:8001": 200, "Monitor.Example": 200, "box": 200, "box.lan:8001": 200,
		"evil.example:8001": 421, "127.0.0.1.evil.example": 421, "localhost.evil.example": 421, "evillocalhost": 421, "monitor.example.evil.example": 421, "boxx": 421, "": 421,
		"127.1": 421, "0x7f.1": 421, "2130706433": 421, "a@127.0.0.1": 421,
	} {
		for _, at := range []string{"/", "/metrics", "/events?page=none", "/assets/none", "/login"} {
			w := send(f.Handler(), "GET", at, "", "Host", host)
			if (w.Code == 421) != (want == 421) {
				t.Errorf("Host %q, %s: %d", host, at, w.Code)
			}
		}
	}
	if w := send(f.Local(), "GET", "/", "", "Host", "control"); w.Code != 200 {
		t.Errorf("at the door: %d", w.Code)
	}
}

// Who may use a proxy on this machine is not therefore one of its users.
func TestByProxy(t *testing.T) {
	f := newFixture(t, nil)
	for _, at := range []string{"/", "/requests", "/metrics", "/events"} {
		if w := send(f.Handler(), "GET", at, "", "Via", "1.1 freshet"); w.Code != 403 || !strings.Contains(w.Body.String(), "--monitor-token") {
			t.Errorf("%s: %d %s", at, w.Code, w.Body)
		}
	}
	if w := send(f.Local(), "GET", "/", "", "Via", "1.1 freshet", "Host", "control"); w.Code != 200 {
		t.Errorf("at the door: %d", w.Code)
	}
	f = newFixture(t, func(o *Options) { o.Access.Token = "the token of all" })
	if w := send(f.Handler(), "GET", "/", "", "Via", "1.1 freshet", "Authorization", "Bearer the token of all"); w.Code != 200 {
		t.Errorf("with a token: %d", w.Code)
	}
}

func TestWrites(t *testing.T) {
	const owner = "Bearer owner's token"
	for _, tt := range []struct {
		name   string
		fields []string
		status int
	}{
		{"nobody", nil, 401},
		{"the owner", []string{"Authorization", owner}, 200},
		{"the owner, by a password", []string{"Authorization", basic("x", "owner's token")}, 200},
		{"a wrong token", []string{"Authorization", "Bearer x"}, 401},
		{"an empty token", []string{"Authorization", "Bearer "}, 401},
		{"another scheme", []string{"Authorization", "Digest owner's token"}, 401},
		{"another site's page", []string{"Authorization", owner, "Sec-Fetch-Site", "cross-site", "Origin", "https://evil.example"}, 403},
		{"another port's page", []string{"Authorization", owner, "Sec-Fetch-Site", "same-site", "Origin", "http://127.0.0.1:8000"}, 403},
		{"another site's page in an old browser", []string{"Authorization", owner, "Origin", "https://evil.example"}, 403},
		{"a page without an origin", []string{"Authorization", owner, "Origin", "null"}, 403},
		{"its own page", []string{"Authorization", owner, "Sec-Fetch-Site", "same-origin", "Origin", "http://127.0.0.1:8001"}, 200},
		{"a wrong name", []string{"Authorization", owner, "Host", "evil.example"}, 421},
		{"a cookie that is made up", []string{"Cookie", "freshet-monitor-8001=x"}, 401},
	} {
		f := newFixture(t, nil)
		w := send(f.Handler(), "POST", "/cache/purge", "url=http://a.example/", tt.fields...)
		if w.Code != tt.status || (len(f.purged) == 1) != (tt.status == 200) {
			t.Errorf("%s: %d, purged %q\n%s", tt.name, w.Code, f.purged, w.Body)
		}
		stop := (&runOf{route: hostile, Run: f.board.Runs()[0]}).name().Encode()
		w = send(f.Handler(), "POST", "/programs/stop", stop, tt.fields...)
		if w.Code != tt.status || (len(f.stopped) == 1) != (tt.status == 200) {
			t.Errorf("%s: %d, stopped %d\n%s", tt.name, w.Code, len(f.stopped), w.Body)
		}
	}
	f := newFixture(t, nil)
	if w := send(f.Local(), "POST", "/cache/purge", "url=http://a.example/"); w.Code != 200 || len(f.purged) != 1 {
		t.Errorf("at the door: %d %s", w.Code, w.Body)
	}
}

func basic(user, password string) string {
	r := &http.Request{Header: http.Header{}}
	r.SetBasicAuth(user, password)
	return r.Header.Get("Authorization")
}

// With a token nothing is shown without it.
func TestToken(t *testing.T) {
	f := newFixture(t, func(o *Options) { o.Access.Token = "a long secret" })
	h := f.Handler()
	for _, at := range []string{"/", "/metrics", "/requests.json", "/events?page=overview", "/why.json?url=http://a/", "/none", "/cache/object?key=x"} {
		for _, auth := range []string{"", "Bearer owner's token", "Bearer a long secre", "Bearer a long secrett", basic("", "x")} {
			f.gate.tries.wrong = control.Guesses[netip.Prefix]{}
			w := send(h, "GET", at, "", "Authorization", auth)
			if w.Code != 401 || !strings.HasPrefix(w.Header().Get("WWW-Authenticate"), "Bearer") || strings.Contains(w.Body.String(), "script>alert") {
				t.Errorf("%s with %q: %d", at, auth, w.Code)
			}
		}
	}
	if w := send(h, "GET", "/", "", "Authorization", "Bearer a long secret"); w.Code != 200 {
		t.Errorf("with the token: %d", w.Code)
	}
	if w := send(h, "GET", "/", "", "Accept", "text/html"); w.Code != 401 || !strings.Contains(w.Body.String(), `action="/login"`) {
		t.Errorf("a browser is not asked: %d %s", w.Code, w.Body)
	}
	if w := send(h, "GET", "/login", ""); w.Code != 200 {
		t.Errorf("login: %d", w.Code)
	}
}

func login(h http.Handler, token, next string) *httptest.ResponseRecorder {
	return send(h, "POST", "/login", url.Values{"token": {token}, "next": {next}}.Encode())
}

func TestLogin(t *testing.T) {
	f := newFixture(t, func(o *Options) { o.Access.Token = "a long secret" })
	h := f.Handler()
	w := login(h, "a long secret", "/requests?status=5xx")
	cookie := w.Result().Cookies()
	if w.Code != 303 || w.Header().Get("Location") != "/requests?status=5xx" || len(cookie) != 1 {
		t.Fatalf("%d %v", w.Code, w.Header())
	}
	c := cookie[0]
	if !c.HttpOnly || c.SameSite != http.SameSiteStrictMode || c.Path != "/" || c.Name != "freshet-monitor-8001" || strings.Contains(c.Value, "secret") {
		t.Errorf("%+v", c)
	}
	if w := send(h, "GET", "/", "", "Cookie", c.Name+"="+c.Value); w.Code != 200 {
		t.Errorf("with the cookie: %d", w.Code)
	}
	if w := send(h, "POST", "/cache/purge", "url=http://a/", "Cookie", c.Name+"="+c.Value, "Sec-Fetch-Site", "same-origin"); w.Code != 200 {
		t.Errorf("a purge with the cookie: %d", w.Code)
	}
	if w := send(h, "POST", "/cache/purge", "url=http://a/", "Cookie", c.Name+"="+c.Value, "Sec-Fetch-Site", "cross-site"); w.Code != 403 {
		t.Errorf("a purge with the cookie by another site: %d", w.Code)
	}
	other := newFixture(t, func(o *Options) { o.Access.Token = "a long secret" })
	if w := send(other.Handler(), "GET", "/", "", "Cookie", c.Name+"="+c.Value); w.Code != 401 {
		t.Errorf("the cookie of another process: %d", w.Code)
	}
	for next, want := range map[string]string{"//evil.example": "/", "https://evil.example": "/", `/\evil.example`: "/", "/a\r\nb": "/", "/ok": "/ok", "": "/", "evil": "/"} {
		if got := login(h, "a long secret", next).Header().Get("Location"); got != want {
			t.Errorf("next=%q leads to %q", next, got)
		}
	}
}

// Who has to show the token first comes back to the form that was sent.
func TestLoginLeadsBack(t *testing.T) {
	h := newFixture(t, func(o *Options) { o.Access.Token = "a long secret" }).Handler()
	for from, want := range map[string]string{
		"http://127.0.0.1:8001/cache/purge?url=a%26b": "/cache/purge?url=a%26b",
		"http://evil.example/cache/purge":             "/",
		"::":                                          "/",
		"":                                            "/",
	} {
		w := send(h, "POST", "/cache/purge", "url=http://a/", "Referer", from, "Accept", "text/html")
		if w.Code != 401 || !strings.Contains(w.Body.String(), `name="next" value="`+want+`"`) {
			t.Errorf("from %q: %d, not %s in\n%s", from, w.Code, want, w.Body)
		}
	}
}

// A token cannot be guessed by trying.
func TestGuessing(t *testing.T) {
	now := time.Unix(1800000000, 0)
	f := newFixture(t, func(o *Options) { o.Access.Token, o.Now = "a long secret", func() time.Time { return now } })
	h := f.Handler()
	for n := range maxAttempts {
		want := 403
		if n == maxAttempts-1 {
			want = 429
		}
		if w := login(h, "wrong", "/"); w.Code != want {
			t.Fatalf("try %d: %d", n, w.Code)
		}
	}
	if w := login(h, "a long secret", "/"); w.Code != 429 || w.Header().Get("Retry-After") == "" {
		t.Errorf("after too many: %d", w.Code)
	}
	now = now.Add(attemptTime + time.Second)
	if w := login(h, "a long secret", "/"); w.Code != 303 {
		t.Errorf("later: %d", w.Code)
	}
}

func TestLargeForm(t *testing.T) {
	f := newFixture(t, nil)
	w := send(f.Handler(), "POST", "/cache/purge", "url="+strings.Repeat("a", maxFormBytes), "Authorization", "Bearer owner's token")
	if w.Code != 413 {
		t.Errorf("%d", w.Code)
	}
}

// Nobody has the check page ask servers for him.
func TestCheckOfAnotherSite(t *testing.T) {
	f := newFixture(t, nil)
	if w := send(f.Handler(), "GET", "/check?url=http://a.example/", "", "Sec-Fetch-Site", "cross-site"); w.Code != 403 {
		t.Errorf("%d", w.Code)
	}
}

// The page asks nobody's neighbours: addresses that are not public are refused.
func TestCheckOfPrivateAddresses(t *testing.T) {
	asked := false
	inside := serve(t, http.HandlerFunc(func(http.ResponseWriter, *http.Request) { asked = true }))
	f := newFixture(t, nil)
	for _, at := range []string{inside.URL, strings.Replace(inside.URL, "127.0.0.1", "localhost", 1), "http://[::ffff:127.0.0.1]:1/", "http://169.254.169.254/latest/meta-data/", "http://10.0.0.1/"} {
		w := send(f.Handler(), "GET", "/check?"+url.Values{"url": {at}}.Encode(), "", "Accept", "text/html")
		if w.Code != 200 || !strings.Contains(w.Body.String(), "No answer") || asked {
			t.Errorf("%s: %d\n%s", at, w.Code, w.Body)
		}
	}
	if w := send(f.Handler(), "GET", "/check?url=ftp://a/", "", "Accept", "text/html"); w.Code != 200 || !strings.Contains(w.Body.String(), `role="alert"`) {
		t.Errorf("ftp: %d\n%s", w.Code, w.Body)
	}
}

// One address is checked at a time.
func TestOneCheckAtATime(t *testing.T) {
	begun, end := make(chan struct{}), make(chan struct{})
	f := newFixture(t, func(o *Options) {
		o.Check = func(context.Context, *url.URL) []*check.Result { close(begun); <-end; return nil }
	})
	done := make(chan struct{})
	go func() {
		defer close(done)
		send(f.Handler(), "GET", "/check?url=http://a.example/", "")
	}()
	<-begun
	if w := send(f.Handler(), "GET", "/check?url=http://b.example/", "", "Accept", "text/html"); !strings.Contains(w.Body.String(), "another address is being checked") {
		t.Errorf("%s", w.Body)
	}
	close(end)
	<-done
}
