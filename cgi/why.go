package cgi

import (
	"fmt"
	"net/http"
	"path/filepath"
	"strconv"
	"strings"

	"freshet/internal/field"
	"freshet/internal/gateway"
	"freshet/internal/record"
	"freshet/internal/rule"
	"freshet/internal/why"
)

// Why says what would be done with a request now: which program would be run,
// and as whom. It runs nothing and takes no turn. The status is 0 when it is
// the program's to choose.
func (h *Handler) Why(r *http.Request) *why.Explanation {
	x := &explaining{h, &why.Explanation{Verdict: record.Handled}}
	escaped := r.URL.EscapedPath()
	f := h.find(escaped)
	x.Compare("path", escaped, x.kind(f), f.rule != 0)
	x.places()
	switch {
	case f.redirect != "":
		x.Status, x.Rule = http.StatusMovedPermanently, rule.StaticRedirect
		x.Compare("Location", f.redirect, "", false)
		x.Sentence = "The client is sent to another address: " + rule.Of(x.Rule).Sentence + "."
		x.Fixes = []why.Fix{{Who: why.Request, Do: "set", Name: why.URL, Value: f.redirect}}
	case f.rule != 0:
		x.refused(f)
	default:
		x.runs(&f.program)
	}
	return x.Explanation
}

// Explain says why a request was answered as its record says, when that was
// this handler's doing.
func (h *Handler) Explain(rec *record.Record) *why.Explanation {
	x := &explaining{h, &why.Explanation{Verdict: rec.Verdict, Status: rec.Status, Rule: rec.Rule}}
	row := rule.Of(rec.Rule)
	d := rec.Detail
	switch {
	case d == nil || d.Program == "":
		x.Sentence = "No program was run: " + row.Sentence + "."
	case rec.Rule == rule.ScriptAnswered:
		x.Sentence = fmt.Sprintf("The program %s was run, and answered with %d.", d.Program, rec.Status)
		x.cacheOff()
	default:
		x.Sentence = fmt.Sprintf("The request was for the program %s: %s.", d.Program, row.Sentence)
	}
	x.limit(rec.Rule)
	if d == nil {
		return x.Explanation
	}
	if d.Program != "" {
		x.Compare("program", d.Program, d.Exit, d.Exit != "" && d.Exit != "exit status 0")
		x.Fixes = append(x.Fixes, fixes(rec.Rule, d.Program)...)
	}
	if d.Exit != "" {
		note := ""
		if d.Memory > 0 {
			note = field.Thousands(d.Memory>>10) + " KiB in memory at most"
		}
		x.Compare("processor time", why.Duration(d.CPU), note, false)
	}
	if d.Error != "" {
		x.Compare("error", d.Error, "", true)
	}
	return x.Explanation
}

// explaining is an explanation that is being made.
type explaining struct {
	h *Handler
	*why.Explanation
}

func (x *explaining) setting(key, value string) {
	x.Settings = append(x.Settings, why.Setting{Key: key, Value: value})
}

// kind says what a path is for.
func (x *explaining) kind(f found) string {
	switch {
	case !f.mine:
		return "no program has it"
	case f.name == "":
		return ""
	}
	note := "the program's part is " + f.name
	if f.info != "" {
		note += ", PATH_INFO is " + f.info
	}
	return note
}

// places are the settings that say what is a program.
func (x *explaining) places() {
	if x.h.prefix != "" || len(x.h.folders) > 0 {
		var at []string
		for _, folder := range x.h.folders {
			at = append(at, "/"+strings.Trim(x.h.prefix+"/"+folder, "/"))
		}
		x.setting("cgi", strings.Join(at, ", "))
	}
	if len(x.h.o.Extensions) > 0 {
		x.setting("cgi-ext", strings.Join(x.h.o.Extensions, ", "))
	}
}

// refused is for a request for which no program is run.
func (x *explaining) refused(f found) {
	row := rule.Of(f.rule)
	x.Status, x.Rule, x.Verdict = row.Status, f.rule, record.Refused
	x.Sentence = fmt.Sprintf("It would be refused with %d: %s.", row.Status, row.Sentence)
	if f.detail != "" {
		x.Compare("found", f.detail, "", true)
	}
	if f.file != "" {
		x.Fixes = fixes(f.rule, f.file)
	}
}

// runs says which program would be run, and how.
func (x *explaining) runs(p *program) {
	x.Rule = rule.ScriptAnswered
	x.Sentence = "The program " + p.file + " would be run."
	note := "in " + filepath.Dir(p.file)
	if p.nph() {
		note += "; it prints a status line"
	}
	x.Compare("program", p.file, note, false)
	if fault := unstartable(p.file); fault != "" {
		x.Compare("its beginning", fault, "", true)
	}
	x.Compare("it runs as", x.h.Describe(), "", false)
	running, waiting := x.h.Load()
	x.Compare("programs running", strconv.Itoa(running), "of "+strconv.Itoa(x.h.o.Running)+" that may; "+strconv.Itoa(waiting)+" wait", running >= x.h.o.Running)
	x.limit(rule.ScriptTimeout)
	if running >= x.h.o.Running {
		x.limit(rule.ScriptQueueFull)
	}
	x.cacheOff()
}

// cacheOff is for an answer that no cache is to keep. Behind a cache nobody
// takes this advice: the cache has its own.
func (x *explaining) cacheOff() {
	x.Fixes = []why.Fix{{Who: why.Configuration, Do: "set", Name: "cache", Value: "on"}}
}

// limit adds the parameters that a rule is about.
func (x *explaining) limit(id rule.ID) {
	o := &x.h.o
	switch id {
	case rule.ScriptHeadTimeout, rule.ScriptTimeout:
		x.setting("cgi-timeout", orOff(o.Timeout, o.Timeout.String()))
	case rule.ScriptQueueFull:
		x.setting("cgi-max", strconv.Itoa(o.Running))
		queue := o.Queue
		if queue == 0 {
			queue = gateway.DefaultQueue
		}
		x.setting("cgi-queue", orOff(max(queue, 0), strconv.Itoa(queue)))
	case rule.ScriptQueueTimeout:
		x.setting("cgi-max", strconv.Itoa(o.Running))
		x.setting("cgi-queue-time", orValue(o.QueueTime, gateway.DefaultQueueTime).String())
	case rule.ScriptBodyTooLarge:
		x.setting("cgi-spool", strconv.FormatInt(orValue(o.MaxSpool, gateway.DefaultSpool), 10))
	case rule.ScriptOutputTooLarge:
		x.setting("cgi-output", orOff(o.MaxOutput, strconv.FormatInt(o.MaxOutput, 10)))
	case rule.ScriptDied:
		x.setting("cgi-memory", orOff(o.Limits.Memory, strconv.FormatInt(o.Limits.Memory, 10)))
		x.setting("cgi-cpu", orOff(o.Limits.CPU, o.Limits.CPU.String()))
	case rule.ScriptNoRoom:
		x.setting("cgi-max", strconv.Itoa(o.Running))
		x.setting("cgi-processes", strconv.Itoa(o.Limits.Processes))
	}
}

// orOff is how a limit is written: 0 means that there is none.
func orOff[T comparable](limit T, text string) string {
	var none T
	if limit == none {
		return "off"
	}
	return text
}

// orValue is a limit, or the default when it is zero.
func orValue[T comparable](limit, otherwise T) T {
	var none T
	if limit == none {
		return otherwise
	}
	return limit
}

// fixes is the smallest change after which a program can be run; none where only
// its people can tell.
func fixes(id rule.ID, file string) []why.Fix {
	switch id {
	case rule.ScriptNotExecutable:
		return []why.Fix{{Who: why.Files, Do: "set", Name: file, Value: "executable"}}
	case rule.ScriptWritable:
		return []why.Fix{{Who: why.Files, Do: "set", Name: file, Value: "(and its folders) writable by its owner alone"}}
	}
	return nil
}
