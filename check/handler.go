package check

import (
	"context"
	"net/http"
)

// T is what a test needs to give [Handler]: a *testing.T.
type T interface {
	Helper()
	Errorf(format string, args ...any)
	Logf(format string, args ...any)
}

// Handler fails a test for what is bad about a handler's answers to GET for
// the paths ("/" without any), served by net/http, and logs the rest. Several
// paths are checked one after the other.
func Handler(t T, h http.Handler, paths ...string) {
	t.Helper()
	HandlerFrom(t, Bad, Options{}, h, paths...)
}

// HandlerFrom is [Handler] that fails from a severity on, with options.
func HandlerFrom(t T, from Severity, o Options, h http.Handler, paths ...string) {
	t.Helper()
	c, stop, err := inProcess(&http.Server{Handler: h}, o)
	if err != nil {
		t.Errorf("%v", err)
		return
	}
	defer stop()
	if len(paths) == 0 {
		paths = []string{"/"}
	}
	for _, p := range paths {
		u, err := ParseURL("http://" + inProcessHost + p)
		if err != nil {
			t.Errorf("%v", err)
			continue
		}
		for _, r := range c.URL(context.Background(), u) {
			if r.Err != nil {
				t.Errorf("%s: %v", p, r.Err)
			}
			for i := range r.Findings {
				f := &r.Findings[i]
				if f.Note.Severity >= from {
					t.Errorf("%s: %s", p, plain(f))
				} else {
					t.Logf("%s: %s", p, plain(f))
				}
			}
		}
	}
}
