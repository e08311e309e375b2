package app

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"unicode/utf8"

	"freshet/internal/field"
)

// obeyed is what a terminal would obey of an output, but for the ends of lines.
func obeyed(text string) (found []rune) {
	if !utf8.ValidString(text) {
		found = append(found, utf8.RuneError)
	}
	for _, r := range text {
		if r != '\n' && r != '\t' && field.Obeyed(r) {
			found = append(found, r)
		}
	}
	return found
}

// What a server says that is asked over the network is shown, not obeyed: it may
// be anybody's.
func TestHostileServerOnTerminal(t *testing.T) {
	const evil = "a\x1b]0;title\x07\x1b[2J\r\u009b31m\x9b31m\u202egpj\x7f\b"
	status := http.StatusOK
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.WriteHeader(status)
		switch {
		case r.URL.Path == "/why.json" || r.Method == "POST" && status == http.StatusOK:
			var b bytes.Buffer
			e := json.NewEncoder(&b)
			e.SetEscapeHTML(false)
			e.Encode(map[string]any{"faults": []string{evil}, "purged": []int{1}})
			w.Write(b.Bytes())
		case strings.HasSuffix(r.URL.Path, ".json"):
			io.WriteString(w, `{"rows":[{"name":"request_rate","label":"x`+"\u009b\u202e"+`","value":1,"unit":"`+"\u009b"+`"}]}`)
		default:
			io.WriteString(w, "first "+evil+"\nsecond "+evil+"\n")
		}
	}))
	defer server.Close()
	addr := strings.TrimPrefix(server.URL, "http://")
	home := t.TempDir()
	for _, status = range []int{200, 404, 500} {
		for _, args := range [][]string{
			{"why", "--monitor", addr, "http://h/"}, {"why", "--monitor", addr, "--json", "http://h/"},
			{"purge", "--monitor", addr, "http://h/"}, {"top", "--monitor", addr, "--times", "1"},
		} {
			stdout, stderr := newOutput(), newOutput()
			Run(&Env{Args: args, Environ: []string{"HOME=" + home}, Stdout: stdout, Stderr: stderr})
			said := stdout.String() + stderr.String()
			if found := obeyed(said); len(found) > 0 || said == "" {
				t.Errorf("%d %q: %q in %q", status, args, found, said)
			}
			if args[1] == "why" && status == 200 && !strings.Contains(said, "second") {
				t.Errorf("%q: lines are lost: %q", args, said)
			}
		}
	}
}

// JSON means the same with what is escaped in it.
func TestHostileJSON(t *testing.T) {
	text := "{\n  \"a\": \"\u009b\u202e\x7f\"\n}\n"
	var v struct{ A string }
	if err := json.Unmarshal(field.EscapeJSON([]byte(text)), &v); err != nil || v.A != "\u009b\u202e\x7f" {
		t.Errorf("%q %v", v.A, err)
	}
}
