package wiretest

import (
	"errors"
	"fmt"
	"os"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// expect checks the last response.
func (p *player) expect(what string, args []word) error {
	r := p.last
	if r == nil {
		return errors.New("there is no response yet")
	}
	arity := map[string][2]int{"status": {1, 2}, "field": {2, 3}, "nofield": {1, 1}, "trailer": {2, 3}, "body": {1, 2}, "raw": {1, 2},
		"length": {1, 1}, "bodyfile": {1, 3}, "same": {0, 0}, "rule": {1, 1}, "hot": {0, 0}}
	bounds, known := arity[what]
	if !known {
		return fmt.Errorf("unknown expectation %q", what)
	}
	if len(args) < bounds[0] || len(args) > bounds[1] {
		return fmt.Errorf("expect %s does not take %d words", what, len(args))
	}
	switch what {
	case "status":
		return match("status", strconv.Itoa(r.status), args)
	case "field", "trailer":
		lines := r.fields
		if what == "trailer" {
			lines = r.trailer
		}
		value, ok := get(lines, args[0].text)
		if !ok {
			return fmt.Errorf("there is no %s", args[0].text)
		}
		return match(args[0].text, value, args[1:])
	case "nofield":
		if value, ok := get(r.fields, args[0].text); ok {
			return fmt.Errorf("there is %s: %s", args[0].text, value)
		}
	case "body":
		return match("body", r.body, args)
	case "raw":
		return match("raw", r.raw, args)
	case "length":
		return match("length of the body", strconv.Itoa(len(r.body)), args)
	case "bodyfile":
		return p.bodyFile(args)
	case "same":
		return p.same()
	case "rule", "hot":
		if p.server.Records == nil {
			return errors.New("this server makes no records")
		}
		made, err := p.server.Records.wait(p.answers - 1)
		if err != nil {
			return err
		}
		if what == "rule" {
			return match("rule", made.Rule.String(), args)
		}
		if p.way != Cold && !made.Hot {
			return errors.New("this was not answered on the hot path")
		}
	}
	return nil
}

// match compares got with one word, or with ~ or !~ and a regular expression.
func match(what, got string, args []word) error {
	switch {
	case len(args) == 1:
		if got != args[0].text {
			return mismatch(what, args[0].text, got)
		}
	case len(args) == 2 && !args[0].quoted && (args[0].text == "~" || args[0].text == "!~"):
		pattern, err := regexp.Compile(args[1].text)
		if err != nil {
			return err
		}
		if pattern.MatchString(got) != (args[0].text == "~") {
			return mismatch(what+" "+args[0].text, args[1].text, got)
		}
	default:
		return errors.New("expected a word, or ~ or !~ and a regular expression")
	}
	return nil
}

func (p *player) bodyFile(args []word) error {
	content, err := os.ReadFile(p.folder.path(args[0].text))
	if err != nil {
		return err
	}
	want := string(content)
	if len(args) == 3 {
		from, err1 := strconv.Atoi(args[1].text)
		to, err2 := strconv.Atoi(args[2].text)
		if err := errors.Join(err1, err2); err != nil {
			return err
		}
		if from > to || to > len(want) {
			return fmt.Errorf("the file has %d bytes", len(want))
		}
		want = want[from:to]
	}
	if got := p.last.body; got != want {
		at := 0
		for at < min(len(got), len(want)) && got[at] == want[at] {
			at++
		}
		return fmt.Errorf("body: expected %d bytes, got %d; they differ from byte %d on:\n\texpected %q\n\tgot      %q",
			len(want), len(got), at, clip(want[at:]), clip(got[at:]))
	}
	return nil
}

// same compares with the response that was kept: what a cache would call the
// same answer.
func (p *player) same() error {
	if p.kept == nil {
		return errors.New("no response was kept")
	}
	if p.kept.status != p.last.status {
		return mismatch("status", strconv.Itoa(p.kept.status), strconv.Itoa(p.last.status))
	}
	text := func(r *response) string {
		var out []string
		for _, l := range r.fields {
			if !strings.EqualFold(l.name, "Date") && !strings.EqualFold(l.name, "Connection") {
				out = append(out, l.name+": "+l.value)
			}
		}
		slices.Sort(out)
		return strings.Join(out, "\n")
	}
	if a, b := text(p.kept), text(p.last); a != b {
		return mismatch("fields", a, b)
	}
	if !p.kept.head && !p.last.head && p.kept.body != p.last.body {
		return mismatch("body", p.kept.body, p.last.body)
	}
	return nil
}
