package why

import (
	"bytes"
	"encoding/json"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"freshet/internal/record"
	"freshet/internal/rule"
)

var update = flag.Bool("update", false, "write the golden files anew")

var samples = map[string]*Explanation{
	"stale": {
		ID: "0a1b2c3d4e5f6", Time: time.Unix(1800000000, 0), Method: "GET", URL: "http://www.example.org/news?page=2", Status: 200,
		Verdict: record.Revalidated, Rule: rule.ReuseStale,
		Sentence: "The stored answer was stale, so the origin was asked whether it is still valid; it was, and so the answer came from the cache.",
		Compared: []Comparison{
			{What: "key", Value: "http://www.example.org/news?page=2"},
			{What: "Vary: Accept-Language", Value: "de", Note: "as in the stored answer"},
			{What: "freshness", Value: "60 s - 75 s = -15 s", Note: "lifetime less age", Rule: "reuse-stale", Fails: true},
			{What: "a label longer than its column", Value: strings.Repeat("word ", 30)},
		},
		Settings: []Setting{{"profile", "safe", "default"}, {"key-drop", "utm_*, fbclid", "freshet.toml:12"}},
		Also:     []string{"It also answers the 2 other addresses that differ from this one in utm_source only."},
		Fixes:    []Fix{{Origin, "set", "Cache-Control", "max-age=600"}},
		Advice:   "Let the origin send stale-while-revalidate with it, too.",
	},
	"plain": {
		Method: "GET", URL: "http://127.0.0.1:8000/a\x1b[31m.txt", Status: 404, Verdict: record.File, Rule: rule.StaticNotFound,
		Sentence: "There is no such file.",
	},
	"nothing": {},
}

func TestText(t *testing.T) {
	for name, e := range samples {
		text := e.AppendText(nil, 0)
		golden(t, name+".txt", text)
		for _, width := range []int{40, 80, 120} {
			for line := range strings.Lines(string(e.AppendText(nil, width))) {
				line = strings.TrimSuffix(line, "\n")
				words := strings.Fields(line)
				if utf8.RuneCountInString(line) > width && len(words) > 1 && !strings.HasPrefix(words[0], "http") && len(words[len(words)-1]) < 20 {
					t.Errorf("%s: more than %d columns: %q", name, width, line)
				}
				if strings.TrimRight(line, " ") != line || strings.ContainsRune(line, 0x1b) {
					t.Errorf("%s: %q", name, line)
				}
			}
		}
	}
}

func TestJSON(t *testing.T) {
	for name, e := range samples {
		text, err := json.MarshalIndent(e, "", "  ")
		if err != nil {
			t.Fatal(err)
		}
		golden(t, name+".json", append(text, '\n'))
		var back struct{ Fixes []Fix }
		if err := json.Unmarshal(text, &back); err != nil || len(back.Fixes) != len(e.Fixes) {
			t.Errorf("%s: %+v, %v", name, back, err)
		}
	}
}

func golden(t *testing.T, name string, got []byte) {
	t.Helper()
	path := filepath.Join("testdata", name)
	if *update {
		if err := os.WriteFile(path, got, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if want = bytes.ReplaceAll(want, []byte("\r\n"), []byte("\n")); !bytes.Equal(got, want) {
		t.Errorf("%s: got\n%s\nwant\n%s", name, got, want)
	}
}

func TestFixes(t *testing.T) {
	for fix, want := range map[Fix]string{
		{Origin, "set", "Cache-Control", "max-age=60"}:       "let the origin send Cache-Control: max-age=60",
		{Origin, "add", "Vary", "Accept"}:                    "let the origin add Vary: Accept",
		{Origin, "remove", "Set-Cookie", ""}:                 "let the origin leave out Set-Cookie",
		{Origin, "remove", "Cache-Control", "no-store"}:      "let the origin leave no-store out of Cache-Control",
		{Origin, "set", Status, "200"}:                       "let the origin answer with status 200",
		{Origin, "add", Server, "http://127.0.0.1:81"}:       "start the origin http://127.0.0.1:81",
		{Request, "remove", "Cache-Control", ""}:             "ask without Cache-Control",
		{Request, "remove", "Cache-Control", "max-age=0"}:    "ask without max-age=0 in Cache-Control",
		{Request, "set", "Accept-Encoding", "gzip"}:          "ask with Accept-Encoding: gzip",
		{Request, "set", Method, "GET"}:                      "ask with the method GET",
		{Request, "remove", Body, ""}:                        "ask without a body",
		{Request, "set", URL, "http://a/b"}:                  "ask for http://a/b",
		{Configuration, "set", "profile", "standard"}:        "set profile to standard",
		{Configuration, "add", "key-drop", "utm_source"}:     "add utm_source to key-drop",
		{Configuration, "remove", "key-header", "X-Session"}: "remove X-Session from key-header",
		{Configuration, "remove", "key-header", ""}:          "leave key-header out of the configuration",
		{Configuration, "add", Route, "/a"}:                  "add a route for /a",
		{Files, "add", "a/index.html", ""}:                   "add the file a/index.html",
		{Files, "remove", "a.js", ""}:                        "remove the file a.js",
		{Files, "set", "a.js", Readable}:                     "make a.js readable",
		{Files, "set", "a.js", Plain}:                        "make a.js a plain file",
	} {
		if got := fix.String(); got != want {
			t.Errorf("%+v: %s, want %s", fix, got, want)
		}
	}
}

// FuzzText feeds what may come from a request: the text stays text.
func FuzzText(f *testing.F) {
	f.Add("http://a/\x1b[2J", "k\xff\u0085\u202e", 40)
	f.Add("", "", 0)
	f.Fuzz(func(t *testing.T, url, value string, width int) {
		e := Explanation{URL: url, Sentence: value, Compared: []Comparison{{What: url, Value: value, Fails: true}, {Note: url}},
			Settings: []Setting{{value, url, ""}}, Fixes: []Fix{{Origin, "set", url, value}}}
		for _, r := range string(e.AppendText(nil, width%1000)) {
			if r < ' ' && r != '\n' || 0x7f <= r && r <= 0x9f || r == 0x202e {
				t.Fatalf("%q is in the text", r)
			}
		}
	})
}

func TestDuration(t *testing.T) {
	for ns, want := range map[int64]string{0: "0 µs", 85_600: "86 µs", 2_291_000: "2.29 ms", 3_003_060_000: "3.003 s", 61_000_000_000: "61.000 s"} {
		if got := Duration(ns); got != want {
			t.Errorf("%d: %q, want %q", ns, got, want)
		}
	}
}

func TestCount(t *testing.T) {
	for n, want := range map[int64]string{0: "0 bytes", 1: "1 byte", 999: "999 bytes", 3_145_728: "3,145,728 bytes", -100: "-100 bytes"} {
		if got := Count(n, "byte"); got != want {
			t.Errorf("%d: %q, want %q", n, got, want)
		}
	}
}

// A folder, a refusal and a failure have no hits: their fixes go under another
// title.
func TestTitles(t *testing.T) {
	for _, c := range []struct {
		verdict record.Verdict
		status  int
		title   string
	}{
		{record.Miss, 0, "To make it a hit"},
		{record.Miss, 200, "To make it a hit"},
		{record.Miss, 502, "To change that"},
		{record.File, 404, "To change that"},
		{record.Refused, 504, "To change that"},
	} {
		e := Explanation{Verdict: c.verdict, Status: c.status, Fixes: []Fix{{Who: Files, Do: "add", Name: "a"}}}
		if text := string(e.AppendText(nil, 0)); !strings.Contains(text, "\n"+c.title+":\n") {
			t.Errorf("%v, %d: no %q in\n%s", c.verdict, c.status, c.title, text)
		}
	}
}
