package static

import (
	"fmt"
	"net/http"
	"slices"
	"strings"

	"freshet/conditional"
	"freshet/internal/coding"
	"freshet/internal/field"
	"freshet/internal/record"
	"freshet/internal/rule"
	"freshet/internal/why"
)

// Why says how the handler would answer a request now. It takes the decisions
// of ServeHTTP and has none of its effects: nothing is kept that was not,
// nothing counts as used. A file that is not in memory is read for it, as far
// as Options.MaxInMemory.
func (h *Handler) Why(r *http.Request) *why.Explanation {
	x := &explaining{h: h, r: r, now: moment{at: h.opt.Now().UnixNano()}, e: &why.Explanation{Verdict: record.File}}
	switch r.Method {
	case http.MethodGet, http.MethodHead:
		x.path()
	case http.MethodOptions:
		x.e.Status, x.e.Rule = http.StatusNoContent, rule.HandlerAnswered
		x.say("OPTIONS is answered with the methods that files have: %s.", allowed)
	case http.MethodPost, http.MethodPut, http.MethodPatch, http.MethodDelete, http.MethodConnect, http.MethodTrace:
		x.e.Compare("method", r.Method, allowed+" are answered", true)
		x.refused(rule.StaticMethodNotAllowed, nil)
	default:
		x.e.Compare("method", r.Method, "it is not known here", true)
		x.refused(rule.StaticMethodUnknown, nil)
	}
	return x.e
}

// explaining is a request on its way to an explanation.
type explaining struct {
	h    *Handler
	r    *http.Request
	e    *why.Explanation
	now  moment
	name string // of what was asked for, below the root
	dir  bool
}

func (x *explaining) say(format string, args ...any) { x.e.Sentence = fmt.Sprintf(format, args...) }

func (x *explaining) setting(key, value string) {
	x.e.Settings = append(x.e.Settings, why.Setting{Key: key, Value: value})
}

// path goes from the path to what it stands for.
func (x *explaining) path() {
	h := x.h
	raw := x.r.URL.EscapedPath()
	var broken rule.ID
	x.name, x.dir, broken = decodePath(raw)
	if broken == 0 && !h.opt.Hidden && hiddenPath(x.name) {
		broken = rule.StaticHidden
	}
	if broken != 0 {
		x.e.Compare("path", raw, "", true)
		x.refused(broken, nil)
		return
	}
	x.e.Compare("path", "/"+keyOf(x.name, x.dir), "", false)
	a := h.aimAt(keyOf(x.name, x.dir), x.name, x.dir)
	x.looked(a)
	if h.opt.SPA != "" && a.file == nil && a.why == rule.StaticNotFound {
		x.setting("spa", h.opt.SPA)
		if assetRequest(x.name, x.r.Header) {
			x.e.Compare("kind of request", "a part of a page", "the application's page answers for pages only", true)
			x.refused(a.why, nil)
			return
		}
		a = h.aimAtShell()
		x.e.Compare("instead", h.opt.SPA, "the application's page", false)
	}
	switch {
	case a.file != nil:
		x.file(a)
	case a.folder != nil:
		defer a.folder.Close()
		x.folder(a.folder)
	case a.redirect != "":
		x.e.Status, x.e.Rule = http.StatusMovedPermanently, a.why
		x.e.Compare("Location", a.redirect, "", false)
		x.e.Fixes = []why.Fix{{Who: why.Request, Do: "set", Name: why.URL, Value: a.redirect}}
		x.say("The client is sent to another address: %s.", rule.Of(a.why).Sentence)
	default:
		x.refused(a.why, a.err)
	}
}

// looked tells what was looked for, in order.
func (x *explaining) looked(a aim) {
	h := x.h
	if x.dir {
		for _, index := range h.opt.Index {
			index = strings.TrimPrefix(x.name+"/"+index, "/")
			if a.file != nil && a.plan.name == index {
				return // the file is told of below
			}
			x.e.Compare("index file", index, "it is not there", false)
		}
		x.setting("index", strings.Join(h.opt.Index, ", "))
		return
	}
	if a.file != nil && a.plan.name != x.name {
		x.e.Compare("looked for", x.name, "it is not there", false)
		x.setting("clean-urls", "on")
	}
}

// folder is for a folder without an index file.
func (x *explaining) folder(folder *opened) {
	if x.h.opt.Listing == ListingOff {
		x.setting("listing", "off")
		x.refused(rule.StaticListingOff, nil)
		return
	}
	x.setting("listing", "on")
	entries, err := x.h.names(x.name, folder)
	if err != nil {
		x.refused(rule.StaticIOError, err)
		return
	}
	x.e.Compare("listing", fmt.Sprintf("%d names", len(entries)), "it is made for each request", false)
	l := x.h.list(x.r, folderPath(x.name), entries)
	_, _, accepted := acceptEncoding(x.r.Header)
	e, _ := x.h.listingEntry(&l, accepted)
	x.answer(e)
}

// file is for a file, which it closes.
func (x *explaining) file(a aim) {
	h := x.h
	key := a.plan.key
	e, kept := h.table.get(key), "it would be read, and kept in memory"
	if e != nil && h.stillHolds(e, x.now) {
		a.file.Close()
		kept = "it is in memory, and has not changed since it was read"
	} else {
		if e != nil {
			kept = "it has changed since it was read, and would be read again"
		}
		a.plan.aside = true
		var keep bool
		var err error
		if e, keep, err = h.build(a.plan, a.file, x.now.at); err != nil {
			x.refused(reasonOf(err), err)
			return
		}
		if !keep {
			kept = "it would be read, and not kept: it changed so lately that it may be changing still"
		}
	}
	size := e.set.Load().Variant(field.Identity).Size
	if size > h.opt.MaxInMemory {
		kept = "it is larger than what is kept in memory, and would be sent from the disk"
	}
	x.e.Compare("file", e.sources[field.Identity].name+", "+why.Count(size, "byte"), kept, false)
	switch {
	case h.coherence > 0:
		x.setting("coherence", h.opt.Coherence.String())
	default:
		x.e.Compare("coherence", "0 s", "the file's state is looked up for each request", false)
	}
	x.answer(e)
}

// stillHolds is holds, without noting that it was asked.
func (h *Handler) stillHolds(e *entry, now moment) bool {
	if e.renew > 0 && now.at >= e.renew {
		return false
	}
	for _, place := range e.absent {
		if !h.tree.empty(place) {
			return false
		}
	}
	s := e.sources[field.Identity]
	if d := now.at - s.checked.Load(); d >= 0 && d < h.coherence {
		return true
	}
	return h.tree.same(s)
}

// answer decides which coding is sent, and whether all of it.
func (x *explaining) answer(e *entry) {
	q := conditional.FromLines(x.r.Method, x.r.Header.Values)
	list, sent, accepted := acceptEncoding(x.r.Header)
	set := e.set.Load()
	v, d := set.Decide(&q, accepted, x.now.at/1e9, nil)
	if v == nil && x.couldEncode(e, accepted) {
		x.e.Compare("Accept-Encoding", list, "it refuses what there is; another coding would be made for this request", false)
		x.e.Status, x.e.Rule = http.StatusOK, e.why
		_, what := called(e)
		x.say("The %s is encoded for this request.", what)
		return
	}
	if v == nil {
		x.e.Compare("Accept-Encoding", list, "it refuses identity, and there is no other coding", true)
		x.refused(rule.NotAcceptable, nil)
		return
	}
	if sent || x.h.negotiable(e) {
		if !sent {
			list = "none sent"
		}
		from := "; there is no other coding"
		if all := codings(e); all != v.Coding.String() {
			from = ", of " + all
		}
		x.e.Compare("Accept-Encoding", list, v.Coding.String()+" is sent"+from, false)
	}
	x.validators(&q, v, e)
	x.e.Status, x.e.Rule = d.Status, d.Rule
	if d.Rule == rule.Unconditional {
		x.e.Rule = e.why
	}
	if d.Status >= 400 {
		x.refused(d.Rule, nil)
		return
	}
	if value := e.meta.CacheControl; value != "" {
		x.e.Compare("Cache-Control", value, "is sent", false)
	}
	x.sayAnswer(e, d)
}

// couldEncode is encodeNow without encoding.
func (x *explaining) couldEncode(e *entry, accepted field.Accepted) bool {
	_, n := accepted.Order(coding.All)
	return e.set.Load().Variant(field.Identity).Body != nil && x.h.negotiable(e) && n > 0
}

func (x *explaining) sayAnswer(e *entry, d conditional.Decision) {
	name, what := called(e)
	switch {
	case d.Status == http.StatusNotModified:
		x.say("The client has the current %s: %s.", name, rule.Of(d.Rule).Sentence)
	case d.Status == http.StatusPartialContent:
		x.say("A part of the %s is sent: %s.", what, rule.Of(d.Rule).Sentence)
	case d.Rule == rule.RangeWhole:
		x.say("The %s is sent: %s.", what, rule.Of(d.Rule).Sentence)
	case e.why == rule.StaticListing:
		x.say("The folder has no index file, so its listing is made for the request.")
	case e.why == rule.StaticFallback:
		x.say("No file has that path, so the application's page %s is sent.", name)
	default:
		x.say("The %s is sent.", what)
	}
}

// called returns how an entry is called, alone and in a sentence.
func called(e *entry) (name, what string) {
	if file := e.sources[field.Identity]; file != nil {
		return file.name, "file " + file.name
	}
	return "listing", "listing"
}

// codings lists those that there are of an entry.
func codings(e *entry) string {
	var names []string
	set := e.set.Load()
	for c := field.Coding(0); c < field.NumCodings; c++ {
		if set.Has(c) {
			names = append(names, c.String())
		}
	}
	return strings.Join(names, ", ")
}

// Explain says why a request was answered as its record says. r is the request
// as far as it is still known, below the root. What it says about the file is
// how it is now.
func (h *Handler) Explain(rec *record.Record, r *http.Request) *why.Explanation {
	e := h.Why(r)
	if e.Rule == rec.Rule {
		e.Compared = slices.DeleteFunc(e.Compared, func(c why.Comparison) bool { return c.What == "Accept-Encoding" }) // it is not kept
		now := why.Comparison{What: "folder", Value: "as it is now"}
		e.Compared = append([]why.Comparison{now}, e.Compared...)
		if rec.Status >= 400 {
			e.Sentence = fmt.Sprintf("It was refused with %d: %s.", rec.Status, rule.Of(rec.Rule).Sentence)
		}
		return e
	}
	x := &explaining{h: h, r: r, now: moment{at: h.opt.Now().UnixNano()}, e: &why.Explanation{Rule: rec.Rule}}
	x.name, x.dir, _ = decodePath(r.URL.EscapedPath())
	x.say("It was answered with %d: %s.", rec.Status, rule.Of(rec.Rule).Sentence)
	x.e.Fixes = x.fixes(rec.Rule)
	return x.e
}
