package gateway

import (
	"bytes"
	"fmt"
	"log/slog"
	"strings"
	"testing"
)

// said writes these portions and returns what was logged, and the last line.
func said(portions ...string) (lines []string, last string) {
	var b bytes.Buffer
	log := slog.New(slog.NewTextHandler(&b, &slog.HandlerOptions{ReplaceAttr: func(_ []string, a slog.Attr) slog.Attr {
		if a.Key == slog.TimeKey || a.Key == slog.LevelKey {
			return slog.Attr{}
		}
		return a
	}}))
	r := &Run{}
	s := NewStderr(log, r)
	for _, p := range portions {
		if n, err := s.Write([]byte(p)); n != len(p) || err != nil {
			panic(fmt.Sprint(n, err))
		}
	}
	s.Close()
	lines = strings.Split(b.String(), "\n")
	return lines[:len(lines)-1], r.Said()
}

func TestStderr(t *testing.T) {
	for _, tt := range []struct {
		name string
		in   []string
		want []string // in "line="
		last string
	}{
		{"nothing", nil, nil, ""},
		{"a line", []string{"a\n"}, []string{"a"}, "a"},
		{"lines", []string{"a\nb\n\nc\n"}, []string{"a", "b", "c"}, "c"},
		{"in portions", []string{"a", "b", "\nc", "", "\n"}, []string{"ab", "c"}, "c"},
		{"without an end", []string{"a\nb"}, []string{"a", "b"}, "b"},
		{"CRLF", []string{"a\r\nb\r", "\n\r\n"}, []string{"a", "b"}, "b"},
		{"a CR inside", []string{"10%\r20%\n"}, []string{`"10%\r20%"`}, "10%\r20%"},
		{"what moves a cursor", []string{"\x1b[2J\n"}, []string{`"\x1b[2J"`}, "\x1b[2J"},
		{"a long line", []string{strings.Repeat("x", 3000), strings.Repeat("x", 3000) + "\nb\n"}, []string{strings.Repeat("x", 4096), "b"}, "b"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got, last := said(tt.in...)
			for i := range tt.want {
				tt.want[i] = `msg="the program says" line=` + tt.want[i]
			}
			if strings.Join(got, "\n") != strings.Join(tt.want, "\n") || last != tt.last {
				t.Errorf("%q, last %q", got, last)
			}
		})
	}
}

// TestStderrFlood logs no more than the limit, and says so once; the last line
// is kept all the same.
func TestStderrFlood(t *testing.T) {
	line := strings.Repeat("x", 63) + "\n"
	for name, portions := range map[string][]string{
		"at once":     {strings.Repeat(line, 4096) + "the end\n"},
		"in portions": append(strings.SplitAfter(strings.Repeat(line, 4096), "\n"), "the end\n"),
	} {
		lines, last := said(portions...)
		if len(lines) != 1024+1 || last != "the end" {
			t.Errorf("%s: %d lines, last %q", name, len(lines), last)
		}
		if want := `msg="the program said more than is logged" octets=262152 limit=65536`; lines[len(lines)-1] != want {
			t.Errorf("%s: %q", name, lines[len(lines)-1])
		}
	}
}

// TestStderrWithoutEnd keeps little of what never ends.
func TestStderrWithoutEnd(t *testing.T) {
	s := NewStderr(slog.New(slog.DiscardHandler), &Run{})
	p := bytes.Repeat([]byte("x"), 1<<20)
	for range 100 {
		s.Write(p)
	}
	if cap(s.line) > 2*maxStderrLine {
		t.Errorf("%d octets are kept", cap(s.line))
	}
	s.Close()
}
