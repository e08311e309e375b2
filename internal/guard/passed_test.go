package guard

import (
	"net/http"
	"net/http/httptest"
	"testing"

	"freshet/internal/rule"
	"freshet/internal/why"
)

// once lets pass who shows a proof, and takes it off.
type once struct{ asked int }

func (o *once) Check(_ http.Header, r *http.Request) (*http.Request, rule.ID) {
	o.asked++
	if r.Header.Get("Proof") == "" {
		return nil, rule.LoginMissing
	}
	on := r.Clone(r.Context())
	on.Header.Del("Proof")
	return on, 0
}

func (o *once) Why(r *http.Request) (*http.Request, *why.Explanation) { return r, &why.Explanation{} }

// TestPassed: a guard that let a request pass is not asked about what a local
// redirect makes of it; another one is.
func TestPassed(t *testing.T) {
	same, other := &once{}, &once{}
	var local http.Handler
	outer := Handler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { local.ServeHTTP(w, r) }), same)
	answer := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { w.WriteHeader(http.StatusNoContent) })
	for _, tt := range []struct {
		local http.Handler
		proof string
		want  int
	}{{Handler(answer, same), "x", 204}, {Handler(answer, same, other), "x", 401}, {Handler(answer, same), "", 401}} {
		local = tt.local
		r := httptest.NewRequest("GET", "/", nil)
		r.Header.Set("Proof", tt.proof)
		w := httptest.NewRecorder()
		outer.ServeHTTP(w, r)
		if w.Code != tt.want {
			t.Errorf("%d, want %d", w.Code, tt.want)
		}
	}
	if same.asked != 3 || other.asked != 1 {
		t.Errorf("asked %d times, and the other %d", same.asked, other.asked)
	}
}
