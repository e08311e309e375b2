package field

import (
	"bytes"
	"encoding/json"
	"testing"
)

func TestEscapeJSON(t *testing.T) {
	for in, want := range map[string]string{
		"{\n\t\"a\": 1\n}":  "{\n\t\"a\": 1\n}",
		"\"é\u009b31m\"":    `"é\u009b31m"`,
		"\"\u202egpj\"":     `"\u202egpj"`,
		"\"\x1b[2J\r\x7f\"": `"\u001b[2J\u000d\u007f"`,
		"\"\x9b\"":          "\"\ufffd\"",
		"\"\u2028\"":        `"\u2028"`,
	} {
		if got := EscapeJSON([]byte(in)); string(got) != want {
			t.Errorf("%q: %q, want %q", in, got, want)
		}
	}
}

// It means the same afterwards.
func FuzzEscapeJSON(f *testing.F) {
	f.Add("a\u009b\u202e\u2066é\x7f\\u202e\"")
	f.Fuzz(func(t *testing.T, s string) {
		var b bytes.Buffer
		e := json.NewEncoder(&b)
		e.SetEscapeHTML(false)
		if err := e.Encode(s); err != nil {
			t.Fatal(err)
		}
		safe := EscapeJSON(b.Bytes())
		var before, after string
		if json.Unmarshal(b.Bytes(), &before) != nil || json.Unmarshal(safe, &after) != nil || before != after {
			t.Errorf("%q became %q", before, after)
		}
		for _, r := range string(safe) {
			if Obeyed(r) && r != '\n' && r != '\t' {
				t.Errorf("%q has %q", safe, r)
			}
		}
	})
}
