package guard

import (
	"net/http"
	"net/http/httptest"
	"testing"

	"freshet/httpd"
	"freshet/internal/alloctest"
	"freshet/internal/rule"
	"freshet/internal/who"
	"freshet/internal/why"
)

// What a client says of who it is reaches no handler, of neither kind.
func TestUnclaimed(t *testing.T) {
	var saw http.Header
	handler, hot := Unclaimed(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { saw = r.Header }), yes{})
	r := httptest.NewRequest("GET", "/", nil)
	r.Header = http.Header{"Remote-User": {"root"}, "Client_cert": {"x"}, "Accept": {"*/*"}, "Connection": {"Remote-User"}}
	handler.ServeHTTP(httptest.NewRecorder(), r)
	if len(saw) != 2 || saw.Get("Accept") != "*/*" || saw.Get("Connection") != "" {
		t.Errorf("%v", saw)
	}
	q, a := headOf(t, "/"), new(httpd.Answer)
	if !hot.ServeHot(q, a) {
		t.Error("what claims nothing is not hot")
	}
	if n := alloctest.PerRun(100, func() { hot.ServeHot(q, a) }); n != 0 {
		t.Errorf("%v allocations", n)
	}
	for i := range q.Fields {
		q.Fields[i].Known, q.Fields[i].Name = 0, "remote-USER"
	}
	if hot.ServeHot(q, a) {
		t.Error("what claims a name is hot")
	}
	if _, none := Unclaimed(handler, nil); none != nil {
		t.Error("what is not hot is")
	}
}

// Who it is stands in the record of the request, where the guard has found it out.
func TestNamed(t *testing.T) {
	g := guardFunc(func(r *http.Request) *http.Request { return who.On(r, &who.Who{Name: "ann"}) })
	w := &noted{ResponseRecorder: httptest.NewRecorder()}
	Handler(&saw{}, g).ServeHTTP(w, httptest.NewRequest("GET", "/", nil))
	if w.user != "ann" {
		t.Errorf("%q", w.user)
	}
}

type noted struct {
	*httptest.ResponseRecorder
	user string
}

func (n *noted) SetUser(name string) { n.user = name }

// guardFunc is a guard that lets everything pass, as somebody's.
type guardFunc func(*http.Request) *http.Request

func (f guardFunc) Check(_ http.Header, r *http.Request) (*http.Request, rule.ID) { return f(r), 0 }

func (f guardFunc) Why(r *http.Request) (*http.Request, *why.Explanation) {
	return f(r), &why.Explanation{}
}
