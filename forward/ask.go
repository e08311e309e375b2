package forward

import (
	"net/http"
	"strings"

	"freshet/filterlist"
	"freshet/internal/record"
	"freshet/internal/rule"
	"freshet/internal/why"
)

// Judgement is what becomes of a request by the lists.
type Judgement struct {
	filterlist.Verdict
	// Rule is that of the answer, 0 if the request is made.
	Rule rule.ID
	// Notes are rules that hold beside that of the answer.
	Notes []rule.ID
	// LetPass is the allowance that lets it pass; nil for none.
	LetPass *Allowance
	// Hide is what a document is not to show.
	Hide filterlist.Hiding
	// Without says what would happen without the rule that decided.
	Without string
}

// Judge says what becomes of a request, without making it.
func (h *Handler) Judge(q filterlist.Request) Judgement {
	j := judged{set: h.lists.current.Load(), address: q.URL, kind: q.Type, page: q.Page}
	if j.set == nil {
		return Judgement{}
	}
	if j.kind == filterlist.Document {
		j.page = j.address
	}
	j.decide(h, q.Method)
	a := Judgement{Verdict: j.verdict, Notes: j.notes(), LetPass: j.pass, Without: j.without()}
	if j.blocks() {
		r, err := http.NewRequest(http.MethodGet, q.URL, nil)
		if err != nil { // then nobody can ask for it either
			return a
		}
		a.Rule, _ = j.answer(r)
	}
	if j.kind == filterlist.Document && h.o.Hiding != HideNothing {
		a.Hide = j.set.Hide(j.address)
	}
	return a
}

// without says what would happen without the rule that decided.
func (j *judged) without() string {
	v := &j.verdict
	switch {
	case j.pass != nil && v.Action == filterlist.Allow:
		return "Without the allowance it would be blocked."
	case v.Action == filterlist.Allow:
		return "Without this exception it would be blocked, by " + listed(v.Overrode) + "."
	case v.Action == filterlist.Redirect:
		return "Without " + listed(v.RedirectRule) + " an empty stand-in of its kind would be sent; without " + listed(v.Rule) + " it would be asked for, unless another rule blocks it."
	case v.Action == filterlist.Block:
		return "Without this rule it would be asked for, unless another one blocks it."
	case v.URL != "":
		return "Without these rules it would be asked for with all parameters."
	}
	return ""
}

// whyListed explains what the lists do to a request in origin form. The
// explanation is nil if it is made, and the request then the one that is.
func (h *Handler) whyListed(r *http.Request) (*why.Explanation, *http.Request, *judged) {
	out := *r
	out.Header = r.Header.Clone()
	if out.Header == nil {
		out.Header = http.Header{}
	}
	delete(out.Header, sheetField)
	j := h.judge(&out)
	if j.set == nil {
		return nil, &out, &j
	}
	if j.blocks() {
		id, _ := j.answer(&out)
		row := rule.Of(id)
		e := &why.Explanation{Method: r.Method, URL: j.address, Rule: id, Status: row.Status, Verdict: record.Refused, Advice: row.Remedy}
		e.Sentence = strings.ToUpper(row.Sentence[:1]) + row.Sentence[1:] + "."
		return j.explain(e), &out, &j
	}
	j.framed = h.asFrame(&out, &j)
	prepared := &out
	if j.verdict.URL != "" {
		prepared = withoutParameters(prepared, j.verdict.URL)
	}
	if s := h.sheetOf(prepared, &j); s != nil {
		prepared.Header.Set(sheetField, s.version)
	}
	return nil, prepared, &j
}

// explain adds to an explanation what the lists say.
func (j *judged) explain(e *why.Explanation) *why.Explanation {
	if e == nil || j.set == nil {
		return e
	}
	v := &j.verdict
	note := "what is asked for: " + j.kind.String()
	if j.page != "" && j.page != j.address {
		note += ", for the page " + j.page
	}
	if v.Rule.Line != 0 {
		e.Compare("list", listed(v.Rule), note, j.blocks())
	}
	if v.RedirectRule.Line != 0 {
		e.Compare("stand-in", v.Redirect, listed(v.RedirectRule), false)
	}
	if v.Overrode.Line != 0 {
		e.Compare("overrode", listed(v.Overrode), "what would have held without it", false)
	}
	if j.pass != nil {
		e.Compare("let pass", j.pass.Site+j.pass.Rule, "until "+j.pass.Until.UTC().Format("2006-01-02 15:04 MST"), false)
	}
	for _, r := range v.Removed {
		e.Compare("parameters", strings.Join(removedNames(j.address, v.URL), ", "), listed(r), false)
	}
	for _, id := range j.notes() {
		e.Compared = append(e.Compared, why.Comparison{What: "filter", Value: rule.Of(id).Sentence, Rule: id.String()})
	}
	if text := j.without(); text != "" {
		e.Also = append(e.Also, text)
	}
	if j.framed != "" {
		e.Also = append(e.Also, j.framed)
	}
	return e
}

// asFrame says what would become of a document that passes if it were a frame,
// where that cannot be told; "" if nothing else.
func (h *Handler) asFrame(r *http.Request, j *judged) string {
	page, ok := mayBeFrame(r)
	if !ok || j.kind != filterlist.Document || j.blocks() {
		return ""
	}
	f := judged{set: j.set, address: j.address, kind: filterlist.Subdocument, page: page}
	if f.decide(h, r.Method); !f.blocks() {
		return ""
	}
	return "Over plain http browsers do not tell whether this is a page, or a frame of " + page + ", so it is taken for a page. As a frame it would be blocked, by " + listed(f.verdict.Rule) + "; a rule with $document blocks both."
}

// noted adds the rules that held beside that of the answer.
func noted(e *why.Explanation, d *record.Detail) {
	for _, id := range d.Noted {
		if id != 0 {
			e.Compared = append(e.Compared, why.Comparison{What: "filter", Value: rule.Of(id).Sentence, Rule: id.String()})
		}
	}
}
