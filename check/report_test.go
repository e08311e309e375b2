package check

import (
	"bytes"
	"encoding/json"
	"encoding/xml"
	"errors"
	"flag"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"unicode/utf8"
)

var update = flag.Bool("update", false, "write the golden files anew")

// reports are what the golden files are made of.
func reports() map[string]*Report {
	finding := func(id, where, detail string) Finding { return Finding{activeNote(id), where, detail} }
	answer := func(url string, status int, fields ...string) *Exchange {
		x := &Exchange{Method: "GET", URL: url, Proto: "HTTP/1.1", Status: status, Header: http.Header{}, Body: []byte("hello"), BodySize: 5}
		for i := 0; i < len(fields); i += 2 {
			x.Header[fields[i]] = []string{fields[i+1]}
		}
		return x
	}
	page := &Result{URL: "http://example.com/", Exchange: answer("http://example.com/", 200,
		"Content-Type", "text/html; charset=utf-8", "Content-Encoding", "br", "Cache-Control", "max-age=600", "Etag", `"a"`)}
	page.addNote("coding-gain", "the content", "gzip 1,534 bytes (-54 %); br 1,133 bytes (-66 %), of 3,382 bytes")
	page.addNote("head-body", "the answer to HEAD", "3,382 bytes")
	page.addNote("etag-not-honoured", "the answer to If-None-Match", `200 to "a"`)
	page.addNote("not-modified-differs", "Cache-Control of the 304 to If-None-Match", "no-store, and the 200 has max-age=600 \x1b[31m<&\u202e>"+strings.Repeat("x", 100))
	moved := &Result{URL: "http://example.com/old", Exchange: answer("http://example.com/old", 301, "Location", "/")}
	moved.addNote("redirect-changes-method", "the status code", "301 to http://example.com/")
	moved.Exchange.BodySize = 0
	lost := &Result{URL: "http://example.com/lost", Err: errors.New("no answer from example.com:80 within 30s")}
	large := &Result{URL: "http://example.com/large", Exchange: answer("http://example.com/large", 200, "Cache-Control", "no-store")}
	large.Exchange.BodySize = -1
	file := &Result{URL: "http://localhost/css/a%20b.css", Name: "css/a b.css", Exchange: answer("http://localhost/css/a%20b.css", 200, "Etag", `"a"`)}
	file.add(finding("head-body", "the answer to HEAD", "12 bytes"), finding("coding-missing", "the content", "with gzip 100 bytes (-90 %) in place of 1,000"))
	return map[string]*Report{
		"one":     {Title: "http://example.com/", Results: []*Result{page}},
		"moved":   {Title: "http://example.com/old", Results: []*Result{moved, page}},
		"failed":  {Title: "http://example.com/lost", Results: []*Result{lost}},
		"many":    {Title: "http://example.com/old", Results: []*Result{moved, page, lost, large, file}},
		"folder":  {Title: "site", Results: []*Result{file}},
		"nothing": {Title: "sitemap.xml"},
	}
}

func TestReport(t *testing.T) {
	for name, r := range reports() {
		for _, format := range Formats {
			t.Run(name+"/"+format, func(t *testing.T) {
				var b bytes.Buffer
				if err := r.Write(&b, format); err != nil {
					t.Fatal(err)
				}
				path := filepath.Join("testdata", "reports", name+map[string]string{"text": ".txt", "json": ".json", "sarif": ".sarif", "junit": ".xml"}[format])
				if *update {
					if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
						t.Fatal(err)
					}
					if err := os.WriteFile(path, b.Bytes(), 0o644); err != nil {
						t.Fatal(err)
					}
				}
				want, err := os.ReadFile(path)
				if err != nil {
					t.Fatal(err)
				}
				if b.String() != strings.ReplaceAll(string(want), "\r\n", "\n") {
					t.Errorf("%s differs (write it anew with -update):\n%s", path, b.String())
				}
				wellFormed(t, format, b.Bytes())
			})
		}
	}
	if err := (&Report{}).Write(&bytes.Buffer{}, "yaml"); err == nil {
		t.Error("yaml was written")
	}
}

// wellFormed looks at what each form promises.
func wellFormed(t *testing.T, format string, b []byte) {
	t.Helper()
	switch format {
	case "text":
		for line := range strings.Lines(string(b)) {
			line = strings.TrimSuffix(line, "\n")
			if utf8.RuneCountInString(line) > columns || strings.TrimRight(line, " ") != line {
				t.Errorf("%d columns: %q", utf8.RuneCountInString(line), line)
			}
			if strings.ContainsAny(line, "\x1b\u202e\x7f") {
				t.Errorf("a terminal would obey %q", line)
			}
		}
	case "json":
		var v jsonReport
		if err := json.Unmarshal(b, &v); err != nil || v.Summary.Addresses != len(v.Results) {
			t.Errorf("%v", err)
		}
	case "sarif":
		var v sarifLog
		if err := json.Unmarshal(b, &v); err != nil {
			t.Fatal(err)
		}
		rules := v.Runs[0].Tool.Driver.Rules
		for _, r := range v.Runs[0].Results {
			if rules[r.RuleIndex].ID != r.RuleID || rules[r.RuleIndex].Help.Text == "" || r.Message.Text == "" || r.Locations[0].Physical.Artifact.URI == "" {
				t.Errorf("%+v", r)
			}
		}
	case "junit":
		var v junitSuites
		if err := xml.Unmarshal(b, &v); err != nil || v.Suites[0].Tests != len(v.Suites[0].Cases) {
			t.Errorf("%v", err)
		}
	}
}

func TestFails(t *testing.T) {
	one := &Result{}
	one.addNote("coding-missing", "", "") // a warning
	lost := &Result{Err: errors.New("none")}
	for _, tt := range []struct {
		on   string
		r    *Result
		want bool
	}{
		{"", one, false}, {"bad", one, false}, {"warn", one, true}, {"info", one, true}, {"never", one, false},
		{"", lost, true}, {"bad", lost, true}, {"never", lost, false}, {"info", &Result{}, false},
	} {
		r := &Report{Results: []*Result{{}, tt.r}, FailOn: tt.on}
		if got := r.Fails(); got != tt.want {
			t.Errorf("%q, %+v: %v", tt.on, tt.r, got)
		}
		var b bytes.Buffer
		if err := r.Write(&b, "junit"); err != nil {
			t.Fatal(err)
		}
		if got := strings.Contains(b.String(), "<failure"); got != (tt.want && tt.r.Err == nil) {
			t.Errorf("%q: %s", tt.on, &b)
		}
	}
	for name, want := range map[string]bool{"info": true, "warn": true, "bad": true, "never": false, "": false} {
		s, ok := ParseSeverity(name)
		if ok != want || ok && s.String() != name {
			t.Errorf("%s: %v, %v", name, s, ok)
		}
	}
}

func TestGroups(t *testing.T) {
	groups := reports()["many"].Groups()
	if len(groups) == 0 || groups[0].Note.ID != "head-body" || len(groups[0].Results) != 2 || groups[0].Detail != "3,382 bytes" {
		t.Fatalf("%+v", groups)
	}
	for i := 1; i < len(groups); i++ {
		a, b := &groups[i-1], &groups[i]
		if a.Note.Severity < b.Note.Severity || a.Note.Severity == b.Note.Severity && len(a.Results) < len(b.Results) {
			t.Errorf("%s before %s", a.Note.ID, b.Note.ID)
		}
	}
}

func TestWrap(t *testing.T) {
	for _, tt := range []struct{ text, want string }{
		{"", ""},
		{"a b c", "a b c"},
		{"one two three", "one two|three"},
		{"abcdefghijklmnopqrs tu", "abcdefghij|klmnopqrs|tu"},
		{"ab cdefghijklm n", "ab|cdefghijkl|m n"},
		{"größe größe", "größe|größe"},
	} {
		if got := strings.Join(wrap(tt.text, 10), "|"); got != tt.want {
			t.Errorf("%s: %s, want %s", tt.text, got, tt.want)
		}
	}
}
