package fastcgi

import (
	"fmt"
	"net/http"
	"strconv"

	"freshet/internal/record"
	"freshet/internal/rule"
	"freshet/internal/why"
)

// Why says what would be done with a request now: which script would be run,
// and how the backend is. It asks nobody and takes no turn. The status is 0 when
// it is the script's to choose.
func (h *Handler) Why(r *http.Request) *why.Explanation {
	e := &why.Explanation{Verdict: record.Handled}
	t := h.find(r.URL.EscapedPath())
	if t.direct {
		t.how = t.script.File + " is a file"
	}
	if t.how != "" {
		e.Compare("path", r.URL.EscapedPath(), t.how, t.kind == refused)
	}
	switch t.kind {
	case serveFile:
		e.Rule, e.Verdict = rule.StaticFile, record.File
		e.Sentence = "No script would be run: the files' handler gets the request."
		return e
	case toFolder:
		e.Rule, e.Verdict, e.Status = rule.StaticRedirect, record.File, http.StatusMovedPermanently
		e.Sentence = "The client would be redirected to the folder's address, with a slash at its end."
		return e
	case refused:
		row := rule.Of(t.why)
		e.Rule, e.Verdict, e.Status = t.why, record.Refused, row.Status
		e.Sentence = fmt.Sprintf("It would be refused with %d: %s.", row.Status, row.Sentence)
		return e
	}
	e.Rule = rule.ScriptAnswered
	e.Sentence = "The backend " + h.address() + " would be asked."
	if t.script.File != "" {
		e.Compare("SCRIPT_FILENAME", t.script.File, "", false)
		e.Sentence = "The script " + t.script.File + " would be run by " + h.address() + "."
	}
	e.Compare("SCRIPT_NAME", t.script.Name, "", false)
	if t.script.PathInfo != "" {
		e.Compare("PATH_INFO", t.script.PathInfo, "", false)
	}
	h.explainLoad(e)
	return e
}

// explainLoad tells how the backend is.
func (h *Handler) explainLoad(e *why.Explanation) {
	running, waiting := h.Load()
	note := ""
	if waiting > 0 {
		note = why.Count(int64(waiting), "request") + " wait"
	}
	e.Compare("requests with the backend", fmt.Sprintf("%d of at most %d", running, h.o.Conns), note, waiting > 0)
	p := h.Pool()
	if h.o.Workers != nil {
		e.Compare("workers", strconv.Itoa(p.Workers), why.Count(p.Restarts, "restart")+" so far", p.Workers == 0)
	}
	if p.LastError != "" {
		e.Compare("last error", p.LastError, p.LastTime.Format("2006-01-02 15:04:05"), false)
	}
}

// Explain says why a request was answered as its record says, when that was
// this handler's doing.
func (h *Handler) Explain(rec *record.Record) *why.Explanation {
	e := &why.Explanation{Verdict: rec.Verdict, Status: rec.Status, Rule: rec.Rule}
	row := rule.Of(rec.Rule)
	d := rec.Detail
	switch {
	case rec.Rule == rule.ScriptAnswered && d != nil && d.OriginStatus != 0:
		e.Sentence = fmt.Sprintf("The backend %s answered with %d.", h.address(), d.OriginStatus)
	case d == nil || d.Origin == "":
		e.Sentence = "The backend was not asked: " + row.Sentence + "."
	default:
		e.Sentence = fmt.Sprintf("The backend %s was asked: %s.", d.Origin, row.Sentence)
	}
	if d != nil && d.Origin != "" {
		e.Compare("waited for it", why.Duration(d.Wait), "", false)
		if d.Tries > 1 {
			e.Compare("requests sent", strconv.Itoa(d.Tries), "the connection that was kept had been closed", false)
		}
	}
	if d != nil && d.Error != "" {
		e.Compare("error", d.Error, "", true)
	}
	h.limits(e)
	return e
}

// limits adds the parameters that a rule is about.
func (h *Handler) limits(e *why.Explanation) {
	setting := func(key, value string) { e.Settings = append(e.Settings, why.Setting{Key: key, Value: value}) }
	switch e.Rule {
	case rule.FastcgiUnreachable:
		setting("fastcgi", h.address())
	case rule.FastcgiConnectTimeout:
		setting("connect-timeout", h.o.ConnectTimeout.String())
	case rule.ScriptHeadTimeout:
		setting("timeout", h.o.Timeout.String())
	case rule.ScriptTimeout:
		setting("pause", h.o.Pause.String())
	case rule.ScriptOutputTooLarge:
		setting("output", strconv.FormatInt(h.o.MaxOutput, 10))
	case rule.ScriptQueueFull, rule.ScriptQueueTimeout:
		if h.o.Workers != nil {
			setting("max-workers", strconv.Itoa(h.o.Conns))
		} else {
			setting("connections", strconv.Itoa(h.o.Conns))
		}
	}
}
