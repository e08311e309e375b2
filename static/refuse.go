package static

import (
	"net/http"
	"strconv"

	"freshet/conditional"
	"freshet/httpd"
	"freshet/internal/rule"
	"freshet/internal/wire"
)

// refuse answers with the error page of a rule. vary, unless empty, is what the
// answer depends on beside what is in Vary already.
func (h *Handler) refuse(w http.ResponseWriter, r *http.Request, id rule.ID, vary string) {
	httpd.SetRule(w, id)
	if vary != "" {
		w.Header().Add("Vary", vary)
	}
	row := rule.Of(id)
	if h.opt.ErrorPages != nil {
		h.opt.ErrorPages.Error(w, r, row.Status, row.Sentence)
	} else {
		httpd.Error(w, r, row.Status, row.Sentence)
	}
}

// hotErrors are the error pages that the hot path sends, made beforehand. They
// are those that httpd.Error would make: TestHotEqualsCold compares them.
type hotErrors struct {
	rules [len(hotRules)][httpd.NumPageKinds]hotError
}

// hotRules are the refusals that the hot path gives.
var hotRules = [...]rule.ID{rule.StaticNotFound, rule.MatchFailed, rule.UnmodifiedFailed, rule.RangeUnsatisfiable}

type hotError struct {
	head []byte
	kind int // where the Content-Type line begins: Content-Range goes before it
	body []byte
}

func newHotErrors(pages *httpd.Pages) hotErrors {
	var t hotErrors
	for i, id := range hotRules {
		for kind := range t.rules[i] {
			t.rules[i][kind] = newHotError(pages, httpd.PageKind(kind), rule.Of(id))
		}
	}
	return t
}

func newHotError(pages *httpd.Pages, kind httpd.PageKind, row rule.Row) hotError {
	e := hotError{body: pages.Append(nil, kind, row.Status, row.Sentence)}
	e.head = wire.AppendStatusLine(nil, row.Status)
	e.head = append(e.head, "Cache-Control: no-store\r\nContent-Length: "...)
	e.head = strconv.AppendInt(e.head, int64(len(e.body)), 10)
	e.head = append(e.head, "\r\n"...)
	e.kind = len(e.head)
	e.head = append(append(append(e.head, "Content-Type: "...), kind.ContentType()...), "\r\n"...)
	e.head = append(e.head, "Vary: Accept-Encoding, Accept\r\nX-Content-Type-Options: nosniff\r\n"...)
	return e
}

// answer puts the page for a.Rule into a. The size is that of the
// representation, for the Content-Range of a 416.
func (t *hotErrors) answer(a *httpd.Answer, accept string, size int64) {
	for i, id := range hotRules {
		if id != a.Rule {
			continue
		}
		e := &t.rules[i][httpd.PageKindOf(accept)]
		a.Head, a.Body = e.head, e.body
		if id == rule.RangeUnsatisfiable {
			a.Head = append(a.Scratch, e.head[:e.kind]...)
			a.Head = append(a.Head, "Content-Range: "...)
			a.Head = conditional.AppendUnsatisfied(a.Head, size)
			a.Head = append(append(a.Head, "\r\n"...), e.head[e.kind:]...)
		}
		return
	}
	panic("static: a refusal without a page: " + a.Rule.String())
}
