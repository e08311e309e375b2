package app

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"freshet/httpd"
	"freshet/internal/journal"
	"freshet/internal/monitor"
	"freshet/internal/record"
)

// Who has an answer may ask why at once, although the record of the request is
// made behind it; nobody waits for a request of another server.
func TestWhyBeforeItIsRecorded(t *testing.T) {
	l := liveOf(t, "[[site]]\n[[site.route]]\nredirect = '/a'\n")
	s := &service{engine: &httpd.Server{Handler: l, RequestIDs: httpd.RequestIDAlways}, content: content{explain: l, live: l}}
	resp := getOnce(t, "http://"+serveOn(t, s.engine)+"/")
	id, _ := record.ParseID(resp.Header.Get("Freshet-Id"))
	synctest.Test(t, func(t *testing.T) {
		s.journal = journal.New(journal.Options{Named: s.named})
		m := monitor.New(monitor.Options{Journal: s.journal, WhyEntry: s.whyEntry, Commands: s.inside(), Started: time.Now()})
		defer m.Close()
		ask := func(path string) *httptest.ResponseRecorder {
			w := httptest.NewRecorder()
			m.Local().ServeHTTP(w, httptest.NewRequest("GET", path, nil))
			return w
		}
		for i, form := range []string{".txt", ".json", ""} {
			// It is asked for too early, and then again: that it was unknown is
			// forgotten.
			id := id.Request(16 << i)
			if w := ask("/why/" + id.String() + form); w.Code != http.StatusNotFound {
				t.Errorf("%s: %d before it was answered", form, w.Code)
			}
			said := make(chan *httptest.ResponseRecorder, 1)
			go func() { said <- ask("/why/" + id.String() + form) }()
			synctest.Wait()
			if len(said) > 0 {
				t.Errorf("%s: it was not waited for", form)
			}
			s.journal.Record(&record.Record{ID: id, Method: "GET", Target: "/soon", Host: "a.example", Status: 308})
			if w := <-said; w.Code != http.StatusOK || !strings.Contains(w.Body.String(), "/soon") {
				t.Errorf("%s: %d\n%s", form, w.Code, w.Body)
			}
			begun := time.Now()
			if w := ask("/why/0000000000000" + form); w.Code != http.StatusNotFound || time.Since(begun) > 0 {
				t.Errorf("%s: %d after %s", form, w.Code, time.Since(begun))
			}
		}
	})
}
