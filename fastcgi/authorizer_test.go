package fastcgi_test

import (
	"io"
	"net/http"
	"strings"
	"testing"

	"freshet/fastcgi"
)

func TestAuthorizer(t *testing.T) {
	address := fake(t, "unix", func(s *session) {
		for {
			a, err := s.request()
			if err != nil {
				return
			}
			for _, name := range []string{"CONTENT_LENGTH", "SCRIPT_NAME", "PATH_INFO", "PATH_TRANSLATED"} {
				if v, ok := a.vars[name]; ok {
					t.Errorf("the authorizer got %s=%s", name, v)
				}
			}
			if a.role != 2 || a.stdin != "" {
				t.Errorf("role %d, body %q", a.role, a.stdin)
			}
			switch a.vars["REQUEST_URI"] {
			case "/yes":
				io.WriteString(s, stdout("Status: 200 OK\r\nVariable-REMOTE_USER: ann\r\nVariable-Auth_Level: 5\r\n"+
					"Variable-HTTP_HOST: evil\r\nVariable-REQUEST_METHOD: evil\r\nX-Other: x\r\n\r\nnobody sees this")+end(0, 0))
			case "/broken":
				return
			default:
				io.WriteString(s, stdout("Status: 403 Forbidden\r\nContent-Type: text/plain\r\nVariable-SECRET: x\r\n\r\nno way")+end(0, 0))
			}
		}
	})
	backend := fake(t, "unix", func(s *session) {
		for {
			a, err := s.request()
			if err != nil {
				return
			}
			io.WriteString(s, whole(strings.Join([]string{a.vars["REMOTE_USER"], a.vars["AUTH_LEVEL"], a.vars["REQUEST_METHOD"], a.stdin}, " ")+" "+a.vars["HTTP_HOST"]))
		}
	})
	next := newHandler(t, fastcgi.Options{Address: backend})
	a, err := fastcgi.NewAuthorizer(fastcgi.Options{Address: address, ErrorLog: quiet}, next)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { a.Close() })
	url, recs := serve(t, a)
	host := strings.TrimPrefix(url, "http://")
	for _, tt := range []struct {
		path   string
		status int
		body   string
		rule   string
	}{
		{"/yes", 200, "ann 5 POST body " + host, "script-answered"},
		{"/no", 403, "no way", "fastcgi-denied"},
		{"/broken", 502, "", "fastcgi-terminated"},
	} {
		resp, err := newClient(t).Post(url+tt.path, "text/plain", strings.NewReader("body"))
		if err != nil {
			t.Fatal(err)
		}
		b, _ := io.ReadAll(resp.Body)
		resp.Body.Close()
		if got := recs.rule(t); resp.StatusCode != tt.status || tt.body != "" && string(b) != tt.body || got != tt.rule {
			t.Errorf("%s: %s %q %s", tt.path, resp.Status, b, got)
		}
		for name := range resp.Header {
			if strings.HasPrefix(name, "Variable-") || name == "X-Other" {
				t.Errorf("%s: the client sees %s", tt.path, name)
			}
		}
	}
	if p := a.Pool(); p.Dials > 2 {
		t.Errorf("%+v: connections are not kept", p)
	}
}

var _ http.Handler = (*fastcgi.Authorizer)(nil)
