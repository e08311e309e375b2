//go:build unix

package cgi_test

import (
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
