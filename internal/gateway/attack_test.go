package gateway

import (
	"errors"
	"strings"
	"testing"

	"freshet/internal/rule"
)

// TestShortLines: many short lines do not make the log many times as long as
// what was said.
func TestShortLines(t *testing.T) {
	lines, last := said(strings.Repeat("a\n", 30_000))
	if len(lines) != maxLines+1 || last != "a" || !strings.Contains(lines[maxLines], "more than is logged") {
		t.Errorf("%d lines, the last one %q", len(lines), lines[len(lines)-1])
	}
}

// TestFiles: bodies that are kept aside at the same time share their room, and
// give it back.
func TestFiles(t *testing.T) {
	var all Files
	o := SpoolOptions{Memory: 1, Most: 100, Dir: t.TempDir(), Files: &all}
	body := strings.Repeat("x", 100)
	var kept []*Spooled
	for {
		s, f := Spool(strings.NewReader(body), o)
		if f != nil {
			if f.Rule != rule.ScriptSpoolFailed || !errors.Is(f, errFiles) {
				t.Error(f)
			}
			break
		}
		kept = append(kept, s)
	}
	if len(kept) != spoolsAtOnce {
		t.Errorf("%d bodies", len(kept))
	}
	if _, f := Spool(strings.NewReader("y"), o); f != nil {
		t.Error("what is kept in memory:", f)
	}
	for _, s := range kept {
		s.Close()
		s.Close()
	}
	if n := all.octets.Load(); n != 0 {
		t.Errorf("%d octets are not given back", n)
	}
}
