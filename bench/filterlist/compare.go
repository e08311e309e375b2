package main

import (
	"bufio"
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"

	"freshet/filterlist"
)

// answer is what the other engine says.
type answer struct {
	action, rule, exception string
}

// ask asks the other engine.
func (b *bench) ask(ctx context.Context, files []string, all []request) ([]answer, error) {
	var in bytes.Buffer
	for _, r := range all {
		fmt.Fprintf(&in, "%s\t%s\t%s\n", r.url, r.typ, r.page)
	}
	cmd := exec.CommandContext(ctx, "node", append([]string{b.peer(), "match", b.work}, files...)...)
	cmd.Stdin, cmd.Stderr = &in, os.Stderr
	out, err := cmd.Output()
	if err != nil {
		return nil, fmt.Errorf("ask the other engine: %w", err)
	}
	answers := make([]answer, 0, len(all))
	for lines := bufio.NewScanner(bytes.NewReader(out)); lines.Scan(); {
		f := strings.Split(lines.Text(), "\t")
		if len(f) != 3 {
			return nil, fmt.Errorf("the other engine said %q", lines.Text())
		}
		answers = append(answers, answer{f[0], f[1], f[2]})
	}
	if len(answers) != len(all) {
		return nil, fmt.Errorf("the other engine answered %d of %d requests", len(answers), len(all))
	}
	return answers, nil
}

// peerVersion is which version of the other engine is installed.
func (b *bench) peerVersion() (string, error) {
	text, err := os.ReadFile(filepath.Join(filepath.Dir(b.peer()), "package.json"))
	if err != nil {
		return "", err
	}
	var p struct{ Dependencies map[string]string }
	if err := json.Unmarshal(text, &p); err != nil {
		return "", fmt.Errorf("read what is installed: %w", err)
	}
	return p.Dependencies["@ghostery/adblocker"], nil
}

// difference is a request that the engines see differently.
type difference struct {
	request
	ours   filterlist.Verdict
	theirs answer
}

// Classes of differences. Those that have a sentence are meant.
const (
	classDocument = "documents: the other engine blocks and allows them by rules without $document too; ours do not, as Adblock Plus and AdGuard do not"
	classGeneric  = "$genericblock: ours take the rules without $domain from the pages of the exception; the other engine does not know the option"
	classPopup    = "$popup or $webrtc beside other types: ours apply the rule to the others; the other engine leaves all of it out"
	classHide     = "an exception with $generichide and types: ours except those types too; the other engine only keeps from hiding"
	classEnd      = "||host|: ours read it as the end of the URL, where a slash stands behind the host; the other engine as the end of the host"
	classIf       = "!#if: ours leave out what is for other programs; the other engine takes both branches here"
	classOther    = "not explained"
)

// variant is a set of the same lists that reads something as the other engine
// does; if that makes the difference, the class is named after it.
type variant struct {
	class string
	set   *filterlist.Set
}

// class names why the engines differ.
func (d *difference) class(variants []variant) string {
	if d.typ == filterlist.Document && d.ours.Action == filterlist.Pass && !hasOption(d.theirs.rule, "document", "doc", "all") {
		return classDocument
	}
	for _, v := range variants {
		if v.set.Match(d.question()).Action.String() == d.theirs.action {
			return v.class
		}
	}
	switch {
	case strings.HasPrefix(d.theirs.rule, "||") && strings.HasSuffix(d.theirs.rule, "|"):
		return classEnd
	case hasOption(d.ours.Rule.Text, "popup", "webrtc") || hasOption(d.ours.Overrode.Text, "popup", "webrtc"):
		return classPopup
	case hasOption(d.ours.Rule.Text, "generichide", "elemhide"):
		return classHide
	}
	return fmt.Sprintf("%s: ours %s, theirs %s", classOther, d.ours.Action, d.theirs.action)
}

func (r *request) question() *filterlist.Request {
	return &filterlist.Request{URL: r.url, Type: r.typ, Page: r.page}
}

// hasOption says whether a rule has one of some options.
func hasOption(rule string, names ...string) bool {
	_, opts, _ := strings.Cut(rule, "$")
	return slices.ContainsFunc(strings.Split(opts, ","), func(o string) bool { return slices.Contains(names, o) })
}

// without compiles lists without some of their lines.
func without(lists []filterlist.Source, drop func(line string) bool) *filterlist.Set {
	lists = slices.Clone(lists)
	for i := range lists {
		var b strings.Builder
		for line := range strings.Lines(lists[i].Text) {
			if !drop(strings.TrimSpace(line)) {
				b.WriteString(line)
			}
		}
		lists[i].Text = b.String()
	}
	return filterlist.Compile(lists)
}

// tally is what came out of a comparison.
type tally struct {
	all, equal  int
	documents   int
	equalOthers int // of the requests that are not for documents
	counts      map[string]int
	classes     map[string][]difference
}

// compare prints how often the engines agree, and what they do not agree on.
func (b *bench) compare(ctx context.Context, w io.Writer) error {
	lists, files, sites, err := b.lists(ctx)
	if err != nil {
		return err
	}
	all, err := requests(sites, lists)
	if err != nil {
		return err
	}
	theirs, err := b.ask(ctx, files, all)
	if err != nil {
		return err
	}
	t := tally{all: len(all), counts: map[string]int{}, classes: map[string][]difference{}}
	set := filterlist.Compile(lists)
	variants := []variant{
		{classGeneric, without(lists, func(line string) bool { return hasOption(line, "genericblock") })},
		{classIf, without(lists, func(line string) bool { return strings.HasPrefix(line, "!#") })},
	}
	for i, r := range all {
		t.add(difference{r, set.Match(r.question()), theirs[i]}, variants)
	}
	b.header(ctx, w)
	version, err := b.peerVersion()
	if err != nil {
		return err
	}
	fmt.Fprintf(w, "beside:    @ghostery/adblocker %s (npm), without its optimizations\n", version)
	t.print(w, b.examples)
	others := t.all - t.documents
	if share := float64(t.equalOthers) / float64(others); share < wanted {
		return fmt.Errorf("%.3f %% of the verdicts on what is not a document are equal, not %.1f", 100*share, 100*wanted)
	}
	for class, list := range t.classes {
		if strings.HasPrefix(class, classOther) {
			return fmt.Errorf("%d verdicts differ for a reason that has no name: %s", len(list), class)
		}
	}
	return nil
}

// wanted is which share of the verdicts must be equal, documents apart.
const wanted = 0.995

func (t *tally) add(d difference, variants []variant) {
	equal := d.ours.Action.String() == d.theirs.action
	t.counts["ours "+d.ours.Action.String()]++
	t.counts["theirs "+d.theirs.action]++
	if d.typ == filterlist.Document {
		t.documents++
	} else if equal {
		t.equalOthers++
	}
	if equal {
		t.equal++
		return
	}
	class := d.class(variants)
	t.classes[class] = append(t.classes[class], d)
}

func (t *tally) print(w io.Writer, examples int) {
	share := func(n, of int) float64 { return 100 * float64(n) / float64(of) }
	others := t.all - t.documents
	fmt.Fprintf(w, "requests:  %d, of which %d for documents\n", t.all, t.documents)
	fmt.Fprintf(w, "equal:     %d of %d for what is not a document, %.3f %%\n", t.equalOthers, others, share(t.equalOthers, others))
	fmt.Fprintf(w, "           %d of %d for documents, %.3f %%\n\n", t.equal-t.equalOthers, t.documents, share(t.equal-t.equalOthers, t.documents))
	fmt.Fprintf(w, "%-10s %8s %8s\n", "verdicts", "ours", "theirs")
	for a := filterlist.Pass; a <= filterlist.Redirect; a++ {
		fmt.Fprintf(w, "%-10s %8d %8d\n", a, t.counts["ours "+a.String()], t.counts["theirs "+a.String()])
	}
	names := slices.SortedFunc(maps.Keys(t.classes), func(a, b string) int {
		return cmp.Or(cmp.Compare(len(t.classes[b]), len(t.classes[a])), strings.Compare(a, b))
	})
	for _, name := range names {
		list := t.classes[name]
		fmt.Fprintf(w, "\n%d  %s\n", len(list), name)
		for i := range min(examples, len(list)) {
			d := list[i*len(list)/min(examples, len(list))]
			fmt.Fprintf(w, "  %s %s on %s\n    ours:   %s\n    theirs: %s\n", d.typ, d.url, d.page,
				said(d.ours.Action.String(), d.ours.Rule.Text, d.ours.Overrode.Text), said(d.theirs.action, cmp.Or(d.theirs.exception, d.theirs.rule), ""))
		}
	}
}

// said is a verdict with its rules, cut short.
func said(action, rule, over string) string {
	short := func(s string) string { return s[:min(len(s), 120)] }
	s := action
	if rule != "" {
		s += " by " + short(rule)
	}
	if over != "" {
		s += " over " + short(over)
	}
	return s
}
