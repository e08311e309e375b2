package forward

import (
	"net/http"
	"net/url"
	"strconv"
	"strings"

	"freshet/filterlist"
	"freshet/httpd"
	"freshet/internal/record"
	"freshet/internal/rule"
	"freshet/internal/wire"
)

// judged is a request, and what the lists say about it.
type judged struct {
	set     *ruleSet // nil without lists
	address string   // its URL
	kind    filterlist.Type
	page    string // what it is for; "" when that is not known
	verdict filterlist.Verdict
	pass    *Allowance // that lets it pass; nil without
	framed  string     // for explanations: what would become of it as a frame; "" if that is known, or makes no difference
}

// judge asks the lists about a request in origin form.
func (h *Handler) judge(r *http.Request) judged {
	j := judged{set: h.lists.current.Load()}
	if j.set == nil {
		return j
	}
	j.address, j.kind = addressFor(r), typeOf(r)
	j.page = pageOf(r, j.kind, j.address)
	j.decide(h, r.Method)
	return j
}

// judgeHost asks the lists about a tunnel, of which no more is known than where
// it leads: rules that ask for a type or a page do not hold for it, but for
// those that block documents.
func (h *Handler) judgeHost(hostport string) judged {
	j := judged{set: h.lists.current.Load()}
	if j.set == nil {
		return j
	}
	j.address = "https://" + strings.TrimSuffix(hostport, ":443") + "/"
	for _, j.kind = range []filterlist.Type{filterlist.Other, filterlist.Document} {
		if j.kind == filterlist.Document {
			j.page = j.address
		}
		if j.decide(h, http.MethodGet); j.blocks() || j.verdict.Action == filterlist.Allow {
			break
		}
	}
	return j
}

func (j *judged) decide(h *Handler, method string) {
	j.verdict = j.set.Match(&filterlist.Request{URL: j.address, Page: j.page, Type: j.kind, Method: method})
	if j.pass = h.allowances.find(j); j.pass != nil && j.blocks() {
		j.verdict.Overrode, j.verdict.Action = j.verdict.Rule, filterlist.Allow
	}
}

// blocks reports whether the request is not to be made.
func (j *judged) blocks() bool {
	return j.verdict.Action == filterlist.Block || j.verdict.Action == filterlist.Redirect
}

// plain reports whether the request is to be made as it is, its answer to be sent
// as it comes, and there is nothing to note.
func (j *judged) plain() bool {
	v := &j.verdict
	return v.Action == filterlist.Pass && v.URL == "" && len(v.CSP)+len(v.Permissions) == 0 && j.kind != filterlist.Document && j.kind != filterlist.Subdocument
}

// answer returns what the answer to a request that is not made has for its rule,
// and the stand-in if there is to be one.
func (j *judged) answer(r *http.Request) (rule.ID, standIn) {
	if j.kind == filterlist.Document {
		return rule.FilterBlocked, standIn{}
	}
	if j.verdict.Action == filterlist.Redirect {
		name, _, _ := strings.Cut(j.verdict.Redirect, ":")
		if s, ok := named[name]; ok {
			return rule.FilterReplaced, s
		}
	}
	if s, ok := standInOf(r, j.kind); ok {
		return rule.FilterStandIn, s
	}
	return rule.FilterBlocked, standIn{}
}

// filter does with a request what the lists say. It reports whether it was
// answered; else the request that it returns is to be sent, with the writer that
// it returns.
func (h *Handler) filter(w http.ResponseWriter, r *http.Request) (http.ResponseWriter, *http.Request, bool) {
	delete(r.Header, sheetField) // it is ours alone
	j := h.judge(r)
	if j.set == nil {
		return w, r, false
	}
	if j.blocks() {
		h.block(w, r, &j)
		return w, r, true
	}
	if j.plain() && (isSafe(r.Method) || !h.hides()) {
		return w, r, false
	}
	return h.passOn(w, r, &j)
}

// filterTunnel answers a request for a tunnel that the lists do not want, and
// reports whether it did.
func (h *Handler) filterTunnel(w http.ResponseWriter, r *http.Request) bool {
	j := h.judgeHost(r.URL.Host)
	if j.set == nil {
		return false
	}
	j.tell(w)
	if !j.blocks() {
		return false
	}
	h.cuts.add(&j, rule.FilterHost, h.o.Now())
	h.refuseListed(w, r, &j, rule.FilterHost)
	return true
}

// block answers a request that is not made.
func (h *Handler) block(w http.ResponseWriter, r *http.Request, j *judged) {
	j.tell(w)
	id, s := j.answer(r)
	h.cuts.add(j, id, h.o.Now())
	if id == rule.FilterBlocked {
		h.refuseListed(w, r, j, id)
		return
	}
	httpd.SetRule(w, id)
	httpd.SetVerdict(w, record.Refused)
	header := w.Header()
	header.Set("Cache-Control", "no-store") // what it stands for may be allowed a moment later
	header.Set("X-Content-Type-Options", "nosniff")
	allowOrigin(header, r)
	if s.status == http.StatusNoContent {
		w.WriteHeader(s.status)
		return
	}
	header.Set("Content-Type", s.kind)
	header.Set("Content-Length", strconv.Itoa(len(s.body)))
	w.WriteHeader(http.StatusOK)
	if r.Method != http.MethodHead {
		w.Write([]byte(s.body))
	}
}

// allowOrigin lets the page that asked have the stand-in: what is in it is no
// secret, and a page that is refused it may go wrong (Fetch, "CORS check").
func allowOrigin(header http.Header, r *http.Request) {
	header.Set("Cross-Origin-Resource-Policy", "cross-origin")
	origin := r.Header.Get("Origin")
	if origin == "" {
		return
	}
	header.Set("Access-Control-Allow-Origin", origin)
	header.Set("Access-Control-Allow-Credentials", "true")
	header.Add("Vary", "Origin")
	if method := r.Header.Get("Access-Control-Request-Method"); method != "" {
		header.Set("Access-Control-Allow-Methods", method)
		if fields := r.Header["Access-Control-Request-Headers"]; len(fields) > 0 {
			header["Access-Control-Allow-Headers"] = fields
		}
	}
}

// listed names a rule of a list as records do: "EasyList:12 ||ads.example^".
func listed(r filterlist.Rule) string {
	if r.Line == 0 {
		return ""
	}
	return r.List + ":" + strconv.Itoa(r.Line) + " " + r.Text
}

// tell notes the verdict in the record of the request.
func (j *judged) tell(w http.ResponseWriter) {
	v := &j.verdict
	if v.Action == filterlist.Pass && len(v.Removed)+len(v.CSP)+len(v.Permissions) == 0 {
		return
	}
	d := httpd.DetailOf(w)
	if d == nil {
		return
	}
	d.Listed, d.Overrode = listed(v.Rule), listed(v.Overrode)
	if v.Action == filterlist.Redirect {
		d.Listed = listed(v.RedirectRule)
	}
	for _, id := range j.notes() {
		d.Note(id)
	}
	d.Changed = j.changes()
}

// notes are the rules that hold beside that of the answer.
func (j *judged) notes() (ids []rule.ID) {
	switch {
	case j.verdict.Action == filterlist.Allow && j.pass != nil:
		ids = append(ids, rule.FilterLetPass)
	case j.verdict.Action == filterlist.Allow:
		ids = append(ids, rule.FilterAllowed)
	}
	if j.verdict.URL != "" && !j.blocks() {
		ids = append(ids, rule.FilterParameters)
	}
	return ids
}

// changes says what is changed of the request or the answer.
func (j *judged) changes() string {
	var all []string
	if j.blocks() {
		return ""
	}
	if j.verdict.URL != "" {
		for _, name := range removedNames(j.address, j.verdict.URL) {
			all = append(all, name+" removed from the address")
		}
	}
	for _, p := range j.verdict.CSP {
		all = append(all, "Content-Security-Policy added: "+p.Value)
	}
	for _, p := range j.verdict.Permissions {
		all = append(all, "Permissions-Policy added: "+p.Value)
	}
	return strings.Join(all, "; ")
}

// site is what cuts are counted by: the host of the page, or, when that is not
// known, of the request.
func (j *judged) site() string {
	address := j.page
	if address == "" {
		address = j.address
	}
	if !strings.Contains(address, "://") {
		return wire.WithoutPort(address)
	}
	u, err := url.Parse(address)
	if err != nil {
		return ""
	}
	return u.Hostname()
}
