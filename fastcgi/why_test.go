package fastcgi_test

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"freshet/fastcgi"
)

// Why says what would happen, and asks nobody.
func TestWhy(t *testing.T) {
	root := site(t)
	h := newHandler(t, fastcgi.Options{Address: "unix:/nowhere", Root: root, Files: files})
	for path, want := range map[string]struct {
		status int
		rule   string
		text   string
	}{
		"/a.php/info":        {0, "script-answered", "The script " + root + "/a.php would be run by unix:/nowhere."},
		"/style.css":         {0, "static-file", "No script would be run"},
		"/admin":             {301, "static-redirect", "would be redirected"},
		"/upload.jpg/x.php":  {404, "script-missing", "refused with 404"},
		"/admin%2Findex.php": {400, "script-path", "refused with 400"},
	} {
		e := h.Why(httptest.NewRequest("GET", path, nil))
		if e.Status != want.status || e.Rule.String() != want.rule || !strings.Contains(e.Sentence, want.text) || !strings.HasSuffix(e.Sentence, ".") {
			t.Errorf("%s: %d %s %q", path, e.Status, e.Rule, e.Sentence)
		}
	}
	if p := h.Pool(); p.Dials != 0 {
		t.Errorf("%+v: it asked", p)
	}
}

// Explain says what came of a request, from its record.
func TestExplain(t *testing.T) {
	answered := newHandler(t, fastcgi.Options{Address: answers(t, whole("text"))})
	nobody := newHandler(t, fastcgi.Options{Address: "unix:/nowhere"})
	for _, tt := range []struct {
		h    *fastcgi.Handler
		want string
		key  string
	}{
		{answered, "answered with 200.", ""},
		{nobody, "The backend unix:/nowhere was asked: the FastCGI backend cannot be reached.", "fastcgi"},
	} {
		url, recs := serve(t, tt.h)
		get(t, newClient(t), url)
		rec := recs.next(t)
		e := tt.h.Explain(&rec)
		if !strings.Contains(e.Sentence, tt.want) {
			t.Errorf("%q, want %q", e.Sentence, tt.want)
		}
		if tt.key != "" && (len(e.Settings) != 1 || e.Settings[0].Key != tt.key) {
			t.Errorf("%+v", e.Settings)
		}
	}
}

func TestOptions(t *testing.T) {
	_, err := fastcgi.New(fastcgi.Options{
		Root: "relative", Prefix: "no-slash", Split: []string{"php"}, Index: []string{"a/b"}, Fallback: "x",
		Sendfile: []string{"relative"}, Env: []string{"=x"}, Conns: -1,
	})
	if err == nil {
		t.Fatal("no error")
	}
	for _, want := range []string{"no address", "root", "prefix", "split", "index", "fallback", "sendfile", "env", "negative"} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("%v does not speak of %q", err, want)
		}
	}
	for _, address := range []string{"127.0.0.1", "/run/a.sock", "unix:", "host:"} {
		if h, err := fastcgi.New(fastcgi.Options{Address: address}); err == nil {
			h.Close()
			t.Errorf("%q is taken", address)
		} else if !strings.Contains(err.Error(), "neither host:port nor unix:/path") {
			t.Errorf("%q: %v", address, err)
		}
	}
	if h, err := fastcgi.New(fastcgi.Options{Address: "a:1", Root: "/nowhere/at/all"}); err == nil {
		h.Close()
		t.Error("a root that is not there is taken")
	}
}

// What is hidden, and what is added, is.
func TestParameters(t *testing.T) {
	address := fake(t, "unix", func(s *session) {
		if a, err := s.request(); err == nil {
			var b strings.Builder
			for _, name := range []string{"HTTP_AUTHORIZATION", "EXTRA", "SERVER_SOFTWARE", "REDIRECT_STATUS", "HTTP_PROXY", "GATEWAY_INTERFACE"} {
				b.WriteString(name + "=" + a.vars[name] + "\n")
			}
			s.Write([]byte(whole(b.String())))
		}
	})
	h := newHandler(t, fastcgi.Options{Address: address, Idle: -1, HideAuthorization: true, Software: "mine",
		Env: []string{"EXTRA=a=b", "REDIRECT_STATUS=204", "GATEWAY_INTERFACE="}})
	url, _ := serve(t, h)
	req, _ := http.NewRequest("GET", url, nil)
	req.Header.Set("Authorization", "Basic eDp5")
	req.Header.Set("Proxy", "evil")
	_, body, _ := exchange(t, newClient(t), req)
	if want := "HTTP_AUTHORIZATION=\nEXTRA=a=b\nSERVER_SOFTWARE=mine\nREDIRECT_STATUS=204\nHTTP_PROXY=\nGATEWAY_INTERFACE=\n"; body != want {
		t.Errorf("%q", body)
	}
}
