package fastcgi

import (
	"maps"
	"net/http"
	"strings"

	"freshet/httpd"
	"freshet/internal/gateway"
	"freshet/internal/rule"
	"freshet/internal/wire"
)

// Authorizer asks a backend, in the role authorizer, whether a request may pass
// to another handler (§6.3). The backend gets the parameters of the request but
// CONTENT_LENGTH, SCRIPT_NAME, PATH_INFO and PATH_TRANSLATED, and no body. It
// should decide by DOCUMENT_URI, which is the path as handlers understand it,
// decoded and without empty and dot segments: REQUEST_URI is what the client
// sent, in which /a may be //a, /%61 or /b/../a.
//
// When it answers 200 the request passes. The fields Variable-NAME of its answer
// become parameters NAME, in capitals, of FastCGI handlers that get the request
// afterwards, unless the server has one of that name (REMOTE_USER, where a guard has found out who it is)
// or it would be a field of the request (HTTP_); handlers of other kinds are not
// told. Its other fields, and its body, go nowhere.
// Any other answer is the client's. When the backend cannot be asked nothing passes.
type Authorizer struct {
	h    *Handler
	next http.Handler
}

// NewAuthorizer returns an authorizer in front of next. Of the options those
// about scripts and files are not used: the backend is asked for all paths. It
// must be closed.
func NewAuthorizer(o Options, next http.Handler) (*Authorizer, error) {
	o.Root, o.Prefix, o.Fallback, o.Files, o.Sendfile = "", "", "", nil, nil
	h, err := New(o)
	if err != nil {
		return nil, err
	}
	return &Authorizer{h: h, next: next}, nil
}

// ServeHTTP implements http.Handler. It panics as Handler.ServeHTTP does.
func (a *Authorizer) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	vars, pass := a.asks(w, r)
	if pass {
		a.next.ServeHTTP(w, granted(r, vars))
	}
}

// asks asks the backend, and answers what may not pass.
func (a *Authorizer) asks(w http.ResponseWriter, r *http.Request) (vars []gateway.Var, pass bool) {
	x := a.h.newExchange(w, r, roleAuthorizer)
	name, dir := wire.RoutePath(r.URL.EscapedPath())
	if x.script.PathInfo = "/" + name; dir && name != "" {
		x.script.PathInfo += "/"
	}
	defer x.done()
	head, f := x.ask()
	switch {
	case f == nil && head.Status == http.StatusOK && head.Kind == gateway.Document:
		return variablesOf(head.Header), true
	case f != nil:
		x.fail(f)
		return nil, false
	}
	maps.DeleteFunc(head.Header, func(name string, _ []string) bool { return strings.HasPrefix(name, "Variable-") })
	x.answer(head)
	httpd.SetRule(w, rule.FastcgiDenied)
	return nil, false
}

// Board returns what runs.
func (a *Authorizer) Board() *gateway.Board { return a.h.Board() }

// Load returns how many requests are with the backend, and how many wait.
func (a *Authorizer) Load() (running, waiting int) { return a.h.Load() }

// Pool returns the state of connections and workers.
func (a *Authorizer) Pool() PoolState { return a.h.Pool() }

// Describe is one line for logs: where the backend is, and its bounds.
func (a *Authorizer) Describe() string { return a.h.Describe() }

// Close closes connections and ends workers, as Handler.Close does. It does not
// close the handler behind.
func (a *Authorizer) Close() error { return a.h.Close() }
