//go:build unix

package cgi_test

import (
	"strings"
	"testing"

	"freshet/cgi"
)

func TestDocument(t *testing.T) {
	s, _ := run(t, folder(t, "hello", hello), nil)
	a := s.get("/hello")
	if a.StatusCode != 200 || a.body != "hello\n" || a.Header.Get("Content-Type") != "text/plain" || a.err != nil {
		t.Errorf("%v %q %v %v", a.Status, a.body, a.Header, a.err)
	}
	r := s.next(t)
	if r.Rule.String() != "script-answered" || r.Detail.Exit != "exit status 0" || !strings.HasSuffix(r.Detail.Program, "/hello") || r.Detail.Memory == 0 {
		t.Errorf("%v %+v", r.Rule, r.Detail)
	}
}

var _ = cgi.Options{}
