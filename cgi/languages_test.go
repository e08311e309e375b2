//go:build unix

package cgi_test

import (
	"io"
	"strings"
	"testing"
)

// TestLanguages: programs as they are written, in the languages that they are
// written in.
func TestLanguages(t *testing.T) {
	for _, tt := range []struct {
		name    string
		program func(t testing.TB) string
	}{
		{"sh", func(testing.TB) string {
			return sh(`body=$(cat)`, `printf 'Content-Type: text/plain\r\n\r\n'`, `printf '%s %s %s' "$REQUEST_METHOD" "$PATH_INFO" "$body"`)
		}},
		{"perl", func(t testing.TB) string {
			return perl(t, `use strict; use warnings;`, `read(STDIN, my $body, $ENV{CONTENT_LENGTH} || 0);`,
				`print "Content-Type: text/plain\r\n\r\n$ENV{REQUEST_METHOD} $ENV{PATH_INFO} $body";`)
		}},
		{"python", func(t testing.TB) string {
			return python(t, `import os, sys`, `body = sys.stdin.read(int(os.environ.get("CONTENT_LENGTH") or 0))`,
				`print("Content-Type: text/plain")`, `print()`, `print(os.environ["REQUEST_METHOD"], os.environ["PATH_INFO"], body, end="")`)
		}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s, _ := run(t, folder(t, "prog", tt.program(t)), nil)
			a := s.do("POST", "/prog/info", strings.NewReader("a body"))
			if a.StatusCode != 200 || a.body != "POST /info a body" {
				r := s.next(t)
				t.Errorf("%v %q %v; %+v", a.Status, a.body, a.err, r.Detail)
			}
		})
	}
}

// TestDeviceFiles: programs may open their descriptors by name, whoever they
// run as, and whatever their input is.
func TestDeviceFiles(t *testing.T) {
	s, _ := run(t, folder(t, "prog", sh(
		`printf 'Content-Type: text/plain\n\n' >/dev/stdout`, `cat /dev/stdin`, `echo heard >/dev/stderr`)), nil)
	for name, body := range map[string]io.Reader{
		"nothing":       nil,
		"known length":  strings.NewReader("a body"),
		"long":          strings.NewReader(strings.Repeat("long ", 30000)),
		"chunked":       struct{ io.Reader }{strings.NewReader("a body")},
		"chunked, long": struct{ io.Reader }{strings.NewReader(strings.Repeat("long ", 30000))},
	} {
		want := 0
		switch {
		case strings.HasSuffix(name, "long"):
			want = 150000
		case body != nil:
			want = 6
		}
		if a := s.do("POST", "/prog", body); a.StatusCode != 200 || len(a.body) != want {
			t.Errorf("%s: %v, %d octets, want %d; %+v", name, a.Status, len(a.body), want, s.next(t).Detail)
		}
	}
}
