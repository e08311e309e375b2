package forward

import (
	"net/http"
	"net/url"
	"strconv"
	"strings"

	template "github.com/DataDog/datadog-agent/pkg/template/html"

	"freshet/httpd"
	"freshet/internal/record"
	"freshet/internal/rule"
)

// refuseListed answers what a list blocks with a page that says so: which list,
// which line, and what can be done.
func (h *Handler) refuseListed(w http.ResponseWriter, r *http.Request, j *judged, id rule.ID) {
	row := rule.Of(id)
	httpd.SetRule(w, id)
	httpd.SetVerdict(w, record.Refused)
	by := j.verdict.Rule
	header := w.Header()
	header.Set("Cache-Control", "no-store")
	if httpd.PageKindOf(strings.Join(r.Header.Values("Accept"), ",")) != httpd.PageHTML {
		httpd.Error(w, r, row.Status, row.Sentence+": "+by.List+", line "+strconv.Itoa(by.Line)+", "+by.Text)
		return
	}
	page := blockedData{URL: j.address, List: by.List, Line: by.Line, Text: by.Text, Sentence: row.Sentence, Site: j.site()}
	if manage := h.manage(); manage != "" {
		page.Allow = manage + "/allow?" + url.Values{"site": {page.Site}, "rule": {by.Text}}.Encode()
	}
	var b strings.Builder
	if err := blocked.Execute(&b, page); err != nil {
		h.o.ErrorLog.Error("filter: write a page", "err", err)
		httpd.Error(w, r, row.Status, row.Explain())
		return
	}
	header.Set("Content-Type", "text/html; charset=utf-8")
	header.Set("Content-Security-Policy", "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'")
	header.Set("X-Content-Type-Options", "nosniff")
	header.Set("Referrer-Policy", "no-referrer")
	header.Set("Content-Length", strconv.Itoa(b.Len()))
	w.WriteHeader(row.Status)
	if r.Method != http.MethodHead {
		w.Write([]byte(b.String()))
	}
}

// manage is where people let something pass; "" for nowhere.
func (h *Handler) manage() string {
	if h.o.Manage == nil {
		return ""
	}
	return h.o.Manage()
}

type blockedData struct {
	URL, List, Text, Sentence, Site, Allow string
	Line                                   int
}

var blocked = template.Must(template.New("blocked").Parse(`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>Blocked by a list</title>
<style>
:root { color-scheme: light dark }
body { font: 16px/1.5 system-ui, sans-serif; max-width: 42rem; margin: 2rem auto; padding: 0 1rem }
code { font: 14px/1.5 ui-monospace, monospace; overflow-wrap: anywhere }
h1 { font-size: 1.5rem } dt { font-weight: 600; margin-top: .75rem } dd { margin: 0 }
</style>
</head>
<body>
<main>
<h1>Blocked by a list</h1>
<p>This page comes from your proxy, freshet. It has asked nobody: {{.Sentence}}.</p>
<dl>
<dt>Address</dt><dd><code>{{.URL}}</code></dd>
<dt>List</dt><dd>{{.List}}, line {{.Line}}</dd>
<dt>Rule</dt><dd><code>{{.Text}}</code></dd>
</dl>
{{if .Allow}}<p><a href="{{.Allow}}">Allow it for an hour</a>, on the page of the proxy’s monitor.</p>
{{end}}<p>To allow it for good, write an exception into a list of your own: <code>@@||{{.Site}}^$document</code></p>
</main>
</body>
</html>
`))
