package app

import (
	"net/http"
	"net/http/httptest"
	"net/url"
	"reflect"
	"strings"
	"testing"

	"freshet/internal/journal"
	"freshet/internal/why"
)

// It can be asked how somebody elsewhere would be answered.
func TestWhyClient(t *testing.T) {
	dir := folder(t, "a.txt", "abc")
	l := liveOf(t, "[[site]]\n[[site.route]]\nstatic = '"+dir+"'\nallow = ['192.0.2.0/24', '2001:db8::/32', 'unix:']\ntrust = '10.0.0.1'\n")
	s := &service{journal: journal.New(journal.Options{Records: 1, Details: 1}), content: content{explain: l, live: l}}
	for _, tt := range []struct {
		client, field string
		status        int
		want          string
	}{
		{"", "", 200, `"address-denied"`},
		{"192.0.2.7", "", 200, `"status": 200`},
		{"192.0.3.7", "", 200, `"address-denied"`},
		{"2001:db8::7", "", 200, `"status": 200`},
		{"unix:", "", 200, `"status": 200`},
		{"10.0.0.1", "X-Forwarded-For: 192.0.2.7", 200, `"status": 200`},
		{"10.0.0.2", "X-Forwarded-For: 192.0.2.7", 200, `"address-denied"`},
		{"192.0.2.7:80", "", 400, "is no address of a client"},
		{"x", "", 400, "is no address of a client"},
	} {
		q := url.Values{"url": {"/a.txt"}, "client": {tt.client}}
		if tt.field != "" {
			q.Set("field", tt.field)
		}
		w := httptest.NewRecorder()
		s.whyHandler().ServeHTTP(w, httptest.NewRequest("GET", "/why.json?"+q.Encode(), nil))
		if w.Code != tt.status || !strings.Contains(w.Body.String(), tt.want) {
			t.Errorf("%s, %q: %d, without %s:\n%s", tt.client, tt.field, w.Code, tt.want, w.Body)
		}
	}
}

// sawWhy keeps the request that is explained.
type sawWhy struct {
	explains
	r *http.Request
}

func (s *sawWhy) Why(r *http.Request) *why.Explanation {
	s.r = r
	return s.explains.Why(r)
}

// What nobody may say of himself is taken off what is explained, as it is off what is
// served.
func TestWhyUnclaimed(t *testing.T) {
	l := liveOf(t, "[[site]]\n[[site.route]]\nredirect = '/a'\n")
	saw := &sawWhy{explains: l}
	s := &service{content: content{explain: saw, live: l}}
	r, err := s.requestFor("/", "GET", []string{"Remote-User: root", "remote_groups: all", "Client-Cert: :AA==:", "X-A: b", "Connection: Remote-User"})
	if err != nil {
		t.Fatal(err)
	}
	s.why(r)
	if want := (http.Header{"X-A": {"b"}, "Connection": {""}}); !reflect.DeepEqual(saw.r.Header, want) {
		t.Errorf("%v", saw.r.Header)
	}
}
