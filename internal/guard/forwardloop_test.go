package guard

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"freshet/internal/rule"
)

// A guard whose service is a page that it guards itself asks once, and no more: by
// way of another guard, too, and of a proxy that adds its own name. Guards that lead
// from one to the other are no loop.
func TestForwardAuthLoop(t *testing.T) {
	transport := asking(t)
	var asked, refused atomic.Int64
	var inner sync.Map // guards by path
	site := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if asked.Add(1) > 20 {
			return // enough
		}
		if had := r.Header.Get("Cdn-Loop"); had != "" {
			r.Header.Set("Cdn-Loop", had+", freshet")
		}
		g, ok := inner.Load(r.URL.Path)
		if !ok {
			return // a service that lets all pass
		}
		if _, id := g.(*ForwardAuth).Check(nil, r); id == rule.ForwardAuthLoop {
			refused.Add(1)
			w.WriteHeader(rule.Of(id).Status)
		} else if id != 0 {
			w.WriteHeader(rule.Of(id).Status)
		}
	}))
	defer site.Close()
	for path, to := range map[string]string{"/self": "/self", "/a": "/b", "/b": "/a", "/first": "/second", "/second": "/yes"} {
		inner.Store(path, NewForwardAuth(ForwardAuthOptions{URL: site.URL + to, Transport: transport, Timeout: time.Minute}))
	}
	for _, tt := range []struct {
		path            string
		want            rule.ID
		asked, refusals int64
	}{
		{"/self", rule.ForwardAuthStatus, 1, 1},
		{"/a", rule.ForwardAuthStatus, 2, 1},
		{"/first", 0, 2, 0},
	} {
		asked.Store(0)
		refused.Store(0)
		r := httptest.NewRequest("GET", tt.path, nil)
		r.Header.Set("Cdn-Loop", "cdn.example;v=1")
		g, _ := inner.Load(tt.path)
		if _, id := g.(*ForwardAuth).Check(nil, r); id != tt.want || asked.Load() != tt.asked || refused.Load() != tt.refusals {
			t.Errorf("%s: %v, asked %d times, refused %d times", tt.path, id, asked.Load(), refused.Load())
		}
		if got := r.Header.Get("Cdn-Loop"); got != "cdn.example;v=1" {
			t.Errorf("the client's own is %s now", got)
		}
		if q, err := g.(*ForwardAuth).question(t.Context(), r, r.URL.RequestURI()); err != nil || !strings.HasPrefix(q.Header.Get("Cdn-Loop"), "cdn.example;v=1, forward-auth-") {
			t.Errorf("%v, %v", q.Header, err)
		}
	}
}
