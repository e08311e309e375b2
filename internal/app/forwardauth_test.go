package app

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"freshet/internal/wiretest"
)

// authService is a service that knows people by their cookies.
func authService(t *testing.T) (service *httptest.Server, asked *atomic.Int64) {
	asked = new(atomic.Int64)
	service = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		asked.Add(1)
		switch cookie := r.Header.Get("Cookie"); {
		case r.Header.Get("X-Forwarded-Uri") == "/closed":
			w.WriteHeader(403)
			fmt.Fprintf(w, "not for %s of %s from %s by %s %s", cookie, r.Header.Get("X-Forwarded-Host"), r.Header.Get("X-Forwarded-For"), r.Header.Get("X-Forwarded-Method"), r.Header.Get("X-Forwarded-Proto"))
		case cookie == "user=ann", cookie == "user=bob":
			w.Header().Set("Remote-User", strings.TrimPrefix(cookie, "user="))
			w.Header().Set("Remote-Groups", "readers")
		case cookie == "user=somebody":
		case cookie == "api":
			w.Header().Set("WWW-Authenticate", "Bearer")
			w.WriteHeader(401)
		case cookie == "broken":
			w.WriteHeader(500)
		case cookie == "slow":
			<-r.Context().Done()
		default:
			w.Header().Set("Set-Cookie", "back=1; HttpOnly")
			w.Header().Set("Cache-Control", "public, max-age=3600")
			http.Redirect(w, r, "https://login.example/", http.StatusFound)
		}
	}))
	t.Cleanup(service.Close)
	return service, asked
}

// A service decides about each request to a proxy; who passed is told to the origin,
// which believes nobody else; nobody gets what was made for another.
func TestForwardAuth(t *testing.T) {
	service, asked := authService(t)
	origin := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Cache-Control", "max-age=60")
		if r.URL.Path == "/public" {
			w.Header().Set("Cache-Control", "public, max-age=60")
		}
		io.Copy(io.Discard, r.Body)
		fmt.Fprintf(w, "%q %q %q %q %v", r.Header["Remote-User"], r.Header["Remote-Groups"], r.Header["X-Role"], r.Header["X_role"], r.Trailer)
	}))
	defer origin.Close()
	told := &records{more: make(chan struct{})}
	p := startWith(t, func(e *Env) { e.Sink = told }, "proxy", "--to", origin.URL, "--listen", "127.0.0.1:0", "--monitor", "off",
		"--forward-auth", service.URL+"/verify", "--forward-auth-fields", "Remote-Groups", "--forward-auth-fields", "X-Role", "--forward-auth-timeout", "1m")
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	forged := http.Header{"Remote-User": {"root"}, "Remote_user": {"root"}, "Remote-Groups": {"admins"}, "X-Role": {"admin"}, "X_role": {"admin"}, "Connection": {"Remote-User, X-Role, Remote-Groups"},
		"X-Forwarded-For": {"6.6.6.6"}, "X-Forwarded-Host": {"evil.example"}, "X-Forwarded-Uri": {"/"}, "X-Forwarded-Method": {"HEAD"}, "X-Forwarded-Proto": {"https"}}
	ask := func(method, path, cookie string) (*http.Response, string) {
		t.Helper()
		r, err := http.NewRequest(method, p.url()+path, nil)
		if err != nil {
			t.Fatal(err)
		}
		r.Header, r.Host = forged.Clone(), "site.example"
		r.Header.Set("Cookie", cookie)
		resp, err := client.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		defer resp.Body.Close()
		body, err := io.ReadAll(resp.Body)
		if err != nil {
			t.Error(err)
		}
		return resp, string(body)
	}
	const of = `["%s"] ["readers"] [] [] map[]`
	for i, tt := range []struct {
		method, path, cookie string
		status               int
		body                 string
	}{
		{"GET", "page", "user=ann", 200, fmt.Sprintf(of, "ann")},
		{"GET", "page", "user=bob", 200, fmt.Sprintf(of, "bob")},
		{"GET", "page", "user=ann", 200, fmt.Sprintf(of, "ann")},
		{"POST", "page", "user=ann", 200, fmt.Sprintf(of, "ann")},
		{"GET", "nameless", "user=somebody", 200, "[] [] [] [] map[]"},
		{"GET", "nameless", "user=ann", 200, fmt.Sprintf(of, "ann")},
		{"GET", "public", "user=ann", 200, fmt.Sprintf(of, "ann")},
		{"GET", "public", "user=bob", 200, fmt.Sprintf(of, "ann")}, // as the origin allows
		{"GET", "public", "", 302, `<a href="https://login.example/">Found</a>.` + "\n\n"},
		{"HEAD", "public", "", 302, ""},
		{"GET", "public", "user=bob", 200, fmt.Sprintf(of, "ann")},
		{"GET", "public", "api", 401, ""},
		{"GET", "closed", "user=ann", 403, "not for user=ann of site.example from 127.0.0.1 by GET http"},
		{"POST", "closed", "user=ann", 403, "not for user=ann of site.example from 127.0.0.1 by POST http"},
		{"GET", "public", "broken", 502, "means neither yes nor no"},
	} {
		before := asked.Load()
		resp, body := ask(tt.method, tt.path, tt.cookie)
		if resp.StatusCode != tt.status || body != tt.body && (tt.status != 502 || !strings.Contains(body, tt.body)) {
			t.Errorf("%d: %s %s of %q: %d, %s", i, tt.method, tt.path, tt.cookie, resp.StatusCode, body)
		}
		if asked.Load() != before+1 {
			t.Errorf("%d: it was asked %d times", i, asked.Load()-before)
		}
		if tt.status != 200 && resp.Header.Get("Cache-Control") != "no-store" {
			t.Errorf("%d: %v", i, resp.Header)
		}
		if tt.status == 302 && (resp.Header.Get("Location") != "https://login.example/" || resp.Header.Get("Set-Cookie") != "back=1; HttpOnly") || tt.status == 401 && resp.Header.Get("WWW-Authenticate") != "Bearer" {
			t.Errorf("%d: %v", i, resp.Header)
		}
		if rec, err := told.wait(i); err != nil || tt.status == 200 && tt.cookie != "user=somebody" && "user="+rec.User != tt.cookie || tt.status != 200 && (rec.User != "" || !strings.HasPrefix(rec.Rule.String(), "forward-auth-")) {
			t.Errorf("%d: %+v, %v", i, rec, err)
		}
	}
	// Nor does what comes after a body say who somebody is.
	c, err := net.Dial("tcp", strings.TrimSuffix(strings.TrimPrefix(p.url(), "http://"), "/"))
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	io.WriteString(c, "POST /page HTTP/1.1\r\nHost: h\r\nCookie: user=bob\r\nTE: trailers\r\nTransfer-Encoding: chunked\r\nTrailer: X-Sum, X-Role, Remote-User\r\nConnection: close\r\n\r\n"+
		"1\r\na\r\n0\r\nX-Sum: 1\r\nX-Role: admin\r\nX_role: admin\r\nRemote-User: root\r\n\r\n")
	resp, err := http.ReadResponse(bufio.NewReader(c), nil)
	if err != nil {
		t.Fatal(err)
	}
	body, _ := io.ReadAll(resp.Body)
	if want := strings.Replace(fmt.Sprintf(of, "bob"), "map[]", "map[X-Sum:[1]]", 1); string(body) != want {
		t.Errorf("with trailers: %s", body)
	}
	p.stop()
}

// A site has it for its routes, unless they say otherwise; nobody passes when the
// service is away, or slow.
func TestForwardAuthOfRoutes(t *testing.T) {
	service, _ := authService(t)
	away := wiretest.Reserve(t)
	dir := folder(t, "a.txt", "a")
	c := startFile(t, "[server]\nlisten = '127.0.0.1:0'\nmonitor = 'off'\n[[site]]\nforward-auth = '"+service.URL+"'\n"+
		"[[site.route]]\nstatic = '"+dir+"'\n"+
		"[[site.route]]\npath = '/open'\nstatic = '"+dir+"'\nforward-auth = 'off'\n"+
		"[[site.route]]\npath = '/away'\nstatic = '"+dir+"'\nforward-auth = 'http://"+away+"/'\n"+
		"[[site.route]]\npath = '/slow'\nstatic = '"+dir+"'\nforward-auth-timeout = '20ms'\n")
	for _, tt := range []struct {
		path, cookie string
		status       int
		says         string
	}{
		{"a.txt", "user=ann", 200, "a"}, {"a.txt", "user=ann", 200, "a"}, {"a.txt", "api", 401, ""},
		{"open/a.txt", "api", 200, "a"}, {"open/a.txt", "", 200, "a"},
		{"away/a.txt", "user=ann", 502, "cannot be asked"},
		{"slow/a.txt", "slow", 504, "has not answered in time"},
	} {
		resp, body := get(t, c.url()+tt.path, "Cookie", tt.cookie)
		if resp.StatusCode != tt.status || !strings.Contains(body, tt.says) || tt.status > 200 && resp.Header.Get("Cache-Control") != "no-store" {
			t.Errorf("%s of %q: %d, %v, %s", tt.path, tt.cookie, resp.StatusCode, resp.Header, body)
		}
	}
	// It has come: nothing is remembered of its absence.
	l, err := net.Listen("tcp", away)
	if err != nil {
		t.Fatal(err)
	}
	late := &http.Server{Handler: http.HandlerFunc(func(http.ResponseWriter, *http.Request) {})}
	go late.Serve(l)
	defer late.Close()
	if resp, body := get(t, c.url()+"away/a.txt"); resp.StatusCode != 200 {
		t.Errorf("%d, %s", resp.StatusCode, body)
	}
	c.stop()
}

// freshet why asks the service, too, and says what it answered.
func TestForwardAuthWhy(t *testing.T) {
	service, _ := authService(t)
	p, home := monitored(t, "serve", "--listen", "127.0.0.1:0", "--monitor", "127.0.0.1:0", "--forward-auth", service.URL+"/verify", folder(t, "a.txt", "a"))
	for cookie, says := range map[string][]string{
		"user=ann": {"static-file", service.URL + "/verify", "it answers 200 OK"},
		"api":      {"forward-auth-refused", "it answers 401 Unauthorized", "--forward-auth"},
		"broken":   {"forward-auth-status", "it answers 500 Internal"},
	} {
		status, text, stderr := command(t, home, "why", "--monitor", strings.TrimSuffix(strings.TrimPrefix(p.monitor(), "http://"), "/"), "-H", "Cookie: "+cookie, p.url()+"a.txt")
		if status != exitOK {
			t.Errorf("%s: %d, %s", cookie, status, stderr)
		}
		contains(t, text, says...)
	}
	p.stop()
}

// Who leaves while the service is asked ends that.
func TestForwardAuthLeft(t *testing.T) {
	came, left := make(chan struct{}), make(chan struct{})
	service := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		close(came)
		<-r.Context().Done()
		close(left)
	}))
	defer service.Close()
	p := start(t, "serve", "--listen", "127.0.0.1:0", "--monitor", "off", "--forward-auth", service.URL, "--forward-auth-timeout", "1m", folder(t, "a.txt", "a"))
	c, err := net.Dial("tcp", strings.TrimSuffix(strings.TrimPrefix(p.url(), "http://"), "/"))
	if err != nil {
		t.Fatal(err)
	}
	io.WriteString(c, "GET /a.txt HTTP/1.1\r\nHost: h\r\n\r\n")
	late := time.After(patience)
	for _, event := range []chan struct{}{came, left} {
		select {
		case <-event:
			c.Close()
		case <-late:
			t.Fatal("the service was not asked, or not told")
		}
	}
	p.stop()
}

// That a service fails is told once, and once that it answers again; the figures say
// it meanwhile.
func TestForwardAuthFails(t *testing.T) {
	at := wiretest.Reserve(t)
	p, _ := monitored(t, "serve", "--listen", "127.0.0.1:0", "--monitor", "127.0.0.1:0", "--forward-auth", "http://"+at+"/verify", folder(t, "a.txt", "a"))
	ask := func(want int) {
		t.Helper()
		if resp, body := get(t, p.url()+"a.txt"); resp.StatusCode != want {
			t.Fatalf("%d, %s", resp.StatusCode, body)
		}
	}
	figure := func(want string) {
		t.Helper()
		for began := time.Now(); ; time.Sleep(50 * time.Millisecond) { // they are made once a second
			_, figures := get(t, p.monitor()+"metrics")
			if strings.Contains(figures, "\n"+want+"\n") {
				return
			}
			if time.Since(began) > patience {
				t.Fatalf("%s is not among\n%s", want, figures)
			}
		}
	}
	for range 3 {
		ask(502)
	}
	figure("freshet_forward_auth_failing 1")
	l, err := net.Listen("tcp", at)
	if err != nil {
		t.Fatal(err)
	}
	service := &http.Server{Handler: http.HandlerFunc(func(http.ResponseWriter, *http.Request) {})}
	go service.Serve(l)
	defer service.Close()
	for range 3 {
		ask(200)
	}
	figure("freshet_forward_auth_failing 0")
	p.stop()
	var said []string
	for line := range strings.Lines(p.stderr.String()) {
		if strings.Contains(line, "forward-auth") {
			said = append(said, line)
		}
	}
	if len(said) != 2 {
		t.Fatalf("%q", said)
	}
	contains(t, said[0], "the service of forward-auth fails; nobody passes while it does", "http://"+at+"/verify")
	contains(t, said[1], "the service of forward-auth answers again", "refused=3")
}
