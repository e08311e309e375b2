package monitor

import (
	"bytes"
	"context"
	"errors"
	"net/http"
	"path"
	"strings"
	"time"

	"freshet/httpd"
	"freshet/internal/field"
	"freshet/internal/monitor/ui"
)

// A page is one address: a view for people, and the table in it that programs
// get.
type page struct {
	path  string
	named bool // one of many, whose name follows the path
	past  bool // the table is about many times, which Prometheus keeps itself

	// await waits, not for long, for what is about to be there. It takes no turn.
	await func(*Monitor, context.Context, *query)
	view  func(*Monitor, *query) (*ui.View, error)
	table func(*Monitor, *query) (*table, error)
	// send answers what is neither.
	send func(*Monitor, http.ResponseWriter, *http.Request)
	// own pages cost something, and are made for the monitor's own links alone.
	own bool
	// act does what a form asks for. The gate has seen the token, and the form is
	// in r.PostForm.
	act func(*Monitor, http.ResponseWriter, *http.Request)
	// form is how many bytes the form may have, if more than maxFormBytes.
	form int64
}

const htmlType = "text/html; charset=utf-8"

// serve answers everything that the gate lets through.
func (m *Monitor) serve(w http.ResponseWriter, r *http.Request) {
	switch {
	case strings.HasPrefix(r.URL.Path, ui.AssetPath):
		ui.Handler().ServeHTTP(w, r)
		return
	case r.URL.Path == "/events":
		if reads(w, r) {
			m.live.serve(w, r)
		}
		return
	case r.URL.Path == "/metrics":
		if reads(w, r) {
			m.serveMetrics(w, r)
		}
		return
	case m.o.Commands != nil && isCommand(r.URL.Path):
		m.o.Commands.ServeHTTP(w, r)
		if r.Method == http.MethodPost {
			m.changed()
		}
		return
	case r.URL.Path == loginPath:
		m.gate.serveLogin(w, r)
		return
	}
	p, q := m.find(r.URL.Path)
	if p == nil {
		fail(w, r, http.StatusNotFound, "The monitor has no page "+r.URL.Path+".")
		return
	}
	if r.Method == http.MethodPost && p.act != nil && q.suffix == "" {
		if readForm(w, r, max(p.form, maxFormBytes)) {
			p.act(m, w, r)
			m.changed()
		}
		return
	}
	if !reads(w, r) {
		return
	}
	if p.send != nil {
		p.send(m, w, r)
		return
	}
	m.read(w, r, p, q)
}

// jobCommands is below what commands ask for about jobs, fleetCommands about
// servers, alertCommands about alerts.
const (
	jobCommands   = "/job/"
	fleetCommands = "/fleet/"
	alertCommands = "/alert/"
)

// isCommand reports whether a path is one that commands ask for.
func isCommand(path string) bool {
	why, ok := strings.CutPrefix(path, "/why")
	return path == "/purge" || strings.HasPrefix(path, jobCommands) || strings.HasPrefix(path, fleetCommands) || strings.HasPrefix(path, alertCommands) || ok && (strings.HasSuffix(why, ".json") || strings.HasSuffix(why, ".txt"))
}

// changed makes what is shown next be new.
func (m *Monitor) changed() {
	m.stock.stale()
	m.shared.forget()
}

// reads tells whether the method is one that reads; else it has answered.
func reads(w http.ResponseWriter, r *http.Request) bool {
	if r.Method == http.MethodGet || r.Method == http.MethodHead {
		return true
	}
	w.Header().Set("Allow", "GET, HEAD")
	fail(w, r, http.StatusMethodNotAllowed, "The method "+r.Method+" means nothing here; use GET.")
	return false
}

// find returns the page of a path, and what the path says.
func (m *Monitor) find(at string) (*page, *query) {
	if at == "/overview" {
		return nil, nil // one address for one page
	}
	suffix := path.Ext(at)
	if _, known := exports[suffix]; !known {
		suffix = ""
	}
	at = strings.TrimSuffix(at, suffix)
	if at == "/overview" {
		at = "/"
	}
	if p := m.pages[at]; p != nil && !p.named && p.offers(suffix) {
		return p, &query{page: at, suffix: suffix}
	}
	dir, name := path.Split(at)
	if p := m.pages[strings.TrimSuffix(dir, "/")+"/"]; p != nil && p.named && name != "" && p.offers(suffix) {
		return p, &query{page: strings.TrimSuffix(dir, "/"), name: name, suffix: suffix}
	}
	return nil, nil
}

// offers reports whether the page has a form.
func (p *page) offers(suffix string) bool {
	if suffix == "" {
		return p.view != nil || p.send != nil
	}
	return p.table != nil && !(p.past && suffix == ".prom")
}

// read answers a request for a page or its table.
func (m *Monitor) read(w http.ResponseWriter, r *http.Request, p *page, q *query) {
	values, err := readQuery(r)
	if err != nil {
		failAs(w, r, err)
		return
	}
	q.values = values
	if p.own && len(values) > 0 && elsewhere(r) {
		fail(w, r, http.StatusForbidden, "The request was made by a page of another site.")
		return
	}
	if p.await != nil {
		p.await(m, r.Context(), q)
	}
	vary := ""
	if q.suffix == "" && p.table != nil {
		vary = "Accept"
		q.suffix = p.preferred(r)
	}
	a, err := m.shared.get(q.page+"\x00"+q.name+"\x00"+q.suffix+"\x00"+vary+"\x00"+values.Encode(), func() (*answer, error) {
		a, err := m.make(p, q)
		if err == nil {
			a.vary = vary
		}
		return a, err
	})
	if err != nil {
		failAs(w, r, err)
		return
	}
	m.sending.send(w, r, a)
}

// preferred is the form that a request without a suffix asks for by Accept.
func (p *page) preferred(r *http.Request) string {
	accept := strings.Join(r.Header.Values("Accept"), ",")
	switch field.BestType(accept, "text/html", "application/json", "text/csv", "text/plain") {
	case 1:
		return ".json"
	case 2:
		return ".csv"
	case 3:
		if p.offers(".prom") {
			return ".prom"
		}
	}
	return ""
}

// make makes the answer of a page.
func (m *Monitor) make(p *page, q *query) (*answer, error) {
	if !p.own { // those take turns by themselves, and their time
		defer m.making.take()()
	}
	if q.suffix == "" {
		v, err := p.view(m, q)
		if err != nil {
			return nil, err
		}
		return m.draw(http.StatusOK, v, q)
	}
	t, err := p.table(m, q)
	if err != nil {
		return nil, err
	}
	w, err := q.window(t)
	if err != nil {
		return nil, err
	}
	rows, total := t.rowsOf(w)
	e := exports[q.suffix]
	b, err := e.write(t, rows, total, w)
	if err != nil {
		return nil, err
	}
	return newAnswer(http.StatusOK, e.contentType, b), nil
}

// draw makes the answer of a view.
func (m *Monitor) draw(status int, v *ui.View, q *query) (*answer, error) {
	if v.Path == "" {
		v.Path = q.path("")
	}
	v.Nav = m.nav()
	v.Host, v.Version, v.Uptime = m.o.Name, m.o.Version, about(m.uptime())
	if q.get("reload") == "off" {
		v.Refresh = 0
	}
	v.Still = q.with("reload", "off")
	var b bytes.Buffer
	if err := ui.Page(&b, v); err != nil {
		return nil, err
	}
	return newAnswer(status, htmlType, b.Bytes()), nil
}

// about is a length of time to the minute, so that a page that says it does
// not change all the time.
func about(d time.Duration) string {
	if d < time.Minute {
		return "less than a minute"
	}
	return span(d.Truncate(time.Minute).Seconds())
}

// sendDone says what was done, with the page that the user came from, and others
// to go on to.
func (m *Monitor) sendDone(w http.ResponseWriter, r *http.Request, title, text string, up ui.Link, more ...ui.Link) {
	sendView(w, r, http.StatusOK, &ui.View{Title: title, Path: r.URL.Path, Nav: m.nav(), Up: up,
		Sections: []ui.Section{&ui.Notice{Level: ui.Good, Title: title, Text: text, Links: append([]ui.Link{up}, more...)}}})
}

// failAs answers with what an error says.
func failAs(w http.ResponseWriter, r *http.Request, err error) {
	var bad *badQuery
	var gone *missing
	switch {
	case errors.As(err, &bad):
		fail(w, r, http.StatusBadRequest, bad.text)
	case errors.As(err, &gone):
		fail(w, r, http.StatusNotFound, gone.text)
	default:
		fail(w, r, http.StatusInternalServerError, err.Error())
	}
}

// fail answers with an error page: one of the monitor's for browsers, else one
// in the form that the client prefers.
func fail(w http.ResponseWriter, r *http.Request, status int, text string) {
	h := w.Header()
	h.Set("Cache-Control", "no-store")
	if httpd.PageKindOf(strings.Join(r.Header.Values("Accept"), ",")) != httpd.PageHTML {
		httpd.Error(w, r, status, ui.Visible(text))
		return
	}
	v := &ui.View{Title: http.StatusText(status), Path: r.URL.Path, Sections: []ui.Section{
		&ui.Notice{Level: ui.Warn, Title: http.StatusText(status), Text: text, Links: []ui.Link{{Text: "Overview", Href: "/"}}},
	}}
	sendView(w, r, status, v)
}

// sendView sends a view that is for this request alone.
func sendView(w http.ResponseWriter, r *http.Request, status int, v *ui.View) {
	var b bytes.Buffer
	if err := ui.Page(&b, v); err != nil {
		httpd.Error(w, r, http.StatusInternalServerError, err.Error())
		return
	}
	a := newAnswer(status, htmlType, b.Bytes())
	a.vary = "Accept"
	w.Header().Set("Cache-Control", "no-store")
	a.send(w, r)
}
