package forward

import (
	"net/http"
	"slices"
	"strconv"
	"strings"

	"freshet/cache"
	"freshet/httpd"
	"freshet/internal/record"
	"freshet/internal/rule"
	"freshet/internal/why"
)

// pastWriter is what the answer to a request passes that goes past the cache: it
// says so in Cache-Status (RFC 9211 §2.2), and in the record.
type pastWriter struct {
	headWriter
	name     string // of the cache; "-" says nothing
	status   int
	answered bool // by a server, not by ourselves
}

// goingPast returns the writer for such a request, nil when there is no cache.
func (h *Handler) goingPast(w http.ResponseWriter) *pastWriter {
	if _, caches := h.next.(*cache.Handler); !caches {
		return nil
	}
	p := &pastWriter{headWriter: headWriter{ResponseWriter: w}, name: h.o.Caching.Name}
	if p.name == "" {
		p.name = h.o.Name
	}
	p.around = p
	httpd.SetVerdict(w, record.Bypass)
	return p
}

// SetRule takes the rule of the answer: where a server has answered, it is why
// that one was asked.
func (p *pastWriter) SetRule(id rule.ID) {
	p.answered = id == rule.ProxyAnswered
	if p.answered {
		id = rule.FilterPast
	}
	httpd.SetRule(p.ResponseWriter, id)
}

// WriteHeader implements http.ResponseWriter.
func (p *pastWriter) WriteHeader(status int) {
	p.status = status
	p.headWriter.WriteHeader(status)
}

func (p *pastWriter) changeHead() {
	if p.name == "-" {
		return
	}
	member := p.name + "; fwd=bypass"
	if p.answered {
		member += "; fwd-status=" + strconv.Itoa(p.status)
	}
	member += "; detail=" + rule.Of(rule.FilterPast).Name
	header := p.Header()
	header["Cache-Status"] = []string{strings.Join(append(slices.Clip(header["Cache-Status"]), member), ", ")}
}

// whyPast explains a request that goes past the cache: e says what its server
// would be asked.
func (h *Handler) whyPast(r *http.Request, e *why.Explanation) *why.Explanation {
	if e.Rule != rule.ProxyAnswered {
		return e
	}
	row := rule.Of(rule.FilterPast)
	e.Rule, e.Verdict, e.Advice = rule.FilterPast, record.Bypass, row.Remedy
	e.Sentence = strings.TrimSuffix(e.Sentence, ".") + ": " + row.Sentence + "."
	e.Fixes = nil
	for _, name := range pastFields(r.Header) {
		e.Compare(name, strings.Join(r.Header[name], ", "), "", true)
		e.Fixes = append(e.Fixes, why.Fix{Who: why.Request, Do: "remove", Name: name})
	}
	return e
}
