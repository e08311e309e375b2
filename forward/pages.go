package forward

import (
	"net"
	"net/http"
	"strconv"
	"strings"
	"time"

	template "github.com/DataDog/datadog-agent/pkg/template/html"

	"freshet/httpd"
	"freshet/internal/record"
	"freshet/internal/rule"
	"freshet/internal/wire"
)

// ownPage answers a request that names no server: one that a browser made to
// the proxy as to a site. Its pages tell nothing that whoever may connect does
// not know.
func (h *Handler) ownPage(w http.ResponseWriter, r *http.Request) {
	if from, local := addressOf(r); !local && !contains(h.access.clients, from) {
		refuse(w, r, rule.FilterClient)
		return
	}
	if r.Method != http.MethodGet && r.Method != http.MethodHead {
		refuse(w, r, rule.FilterNoPage)
		return
	}
	header := w.Header()
	header.Set("Cache-Control", "no-cache")
	header.Set("X-Content-Type-Options", "nosniff")
	switch r.URL.Path {
	case "/":
		header.Set("Content-Type", "text/html; charset=utf-8")
		header.Set("Content-Security-Policy", "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'")
		h.sendPage(w, r, func(b *strings.Builder) error {
			return setUp.Execute(b, setUpData{Address: r.Host, Host: wire.WithoutPort(r.Host), Port: portIn(r.Host), Authority: len(h.o.Inspect.Certificate) > 0, Pinned: h.pinnedFor(r)})
		})
	case "/proxy.pac":
		header.Set("Content-Type", "application/x-ns-proxy-autoconfig")
		h.sendPage(w, r, func(b *strings.Builder) error { b.WriteString(pac(r.Host, r.TLS != nil)); return nil })
	case "/authority.crt":
		if len(h.o.Inspect.Certificate) == 0 {
			refuse(w, r, rule.FilterNoPage)
			return
		}
		header.Set("Content-Type", "application/x-x509-ca-cert")
		header.Set("Content-Disposition", `attachment; filename="freshet-authority.crt"`)
		h.sendPage(w, r, func(b *strings.Builder) error { b.Write(h.o.Inspect.Certificate); return nil })
	default:
		refuse(w, r, rule.FilterNoPage)
	}
}

// sendPage sends what write makes.
func (h *Handler) sendPage(w http.ResponseWriter, r *http.Request, write func(*strings.Builder) error) {
	httpd.SetRule(w, rule.FilterOwnPage)
	httpd.SetVerdict(w, record.Handled)
	var b strings.Builder
	if err := write(&b); err != nil {
		h.o.ErrorLog.Error("filter: write a page", "path", r.URL.Path, "err", err)
		httpd.Error(w, r, http.StatusInternalServerError, "the page could not be made")
		return
	}
	w.Header().Set("Content-Length", strconv.Itoa(b.Len()))
	if r.Method != http.MethodHead {
		w.Write([]byte(b.String()))
	}
}

// pac returns a proxy auto-configuration for a browser that reached the proxy
// by the address: everything goes by the proxy, but for names without a dot and
// addresses of the machine itself.
func pac(address string, tls bool) string {
	kind := "PROXY"
	if tls {
		kind = "HTTPS"
	}
	return `function FindProxyForURL(url, host) {
  if (isPlainHostName(host) || host === "127.0.0.1" || host === "[::1]" || host === "::1" || dnsDomainIs(host, ".localhost")) {
    return "DIRECT";
  }
  return "` + kind + " " + address + `";
}
`
}

type setUpData struct {
	Address, Host, Port string
	Authority           bool // there is one to trust
	Pinned              []Pinned
}

func portIn(hostport string) string {
	if _, port, err := net.SplitHostPort(hostport); err == nil {
		return port
	}
	return "80"
}

func minute(t time.Time) string { return t.Format("2006-01-02 15:04 MST") }

// setUp tells how a browser or a program is made to use the proxy. It works
// without scripts.
var setUp = template.Must(template.New("set-up").Funcs(template.FuncMap{"minute": minute}).Parse(`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>freshet filter</title>
<style>
:root { color-scheme: light dark }
body { font: 16px/1.5 system-ui, sans-serif; max-width: 42rem; margin: 2rem auto; padding: 0 1rem }
code, pre { font: 14px/1.5 ui-monospace, monospace }
pre { padding: .5rem .75rem; overflow-x: auto; border: 1px solid #8886; border-radius: 4px }
h1 { font-size: 1.5rem } h2 { font-size: 1.1rem; margin-top: 1.75rem }
</style>
</head>
<body>
<main>
<h1>This is a proxy: freshet filter</h1>
<p>It passes requests on, keeps what may be kept, and cuts what your lists name. A browser has to be told to use it; nothing else on this machine changes.</p>
<h2>Firefox</h2>
<p>Settings, Network Settings, “Manual proxy configuration”: HTTP proxy <code>{{.Host}}</code>, port <code>{{.Port}}</code>, and “Also use this proxy for HTTPS”.
Or “Automatic proxy configuration URL”: <code>http://{{.Address}}/proxy.pac</code></p>
<h2>Chromium, Chrome, Edge</h2>
<pre>chromium --proxy-server={{.Address}}</pre>
<p>Or the proxy settings of the system, with <code>http://{{.Address}}/proxy.pac</code> as the automatic configuration.</p>
<h2>Programs</h2>
<pre>export http_proxy=http://{{.Address}} https_proxy=http://{{.Address}} no_proxy=localhost,127.0.0.1</pre>
<pre>curl -x http://{{.Address}} http://example.com/</pre>
<h2>What it sees</h2>
<p>Of plain http: everything. Of https: the name of the host, no more, unless it was started with <code>--inspect</code> for that host and your browser trusts its authority.</p>
{{if .Authority}}<p>It looks into the https of some hosts. For those, browsers have to trust its authority: <a href="/authority.crt">its certificate</a>.
Compare it with what <code>freshet tls trust</code> prints on the proxy's machine before you do: this page may have come from anywhere.</p>
{{end}}{{if .Pinned}}<p>Programs at your address have refused that authority's certificates for these hosts, whose https passes as it is:</p>
<ul>{{range .Pinned}}<li>{{.Host}} until {{minute .Until}}</li>{{end}}</ul>
{{end}}</main>
</body>
</html>
`))
