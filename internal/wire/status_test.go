package wire

import (
	"net/http"
	"strings"
	"testing"
)

func TestStatuses(t *testing.T) {
	// RFC 9110 renamed some codes after net/http had named them, and the
	// registry has some that it lacks.
	differ := map[int]string{
		104: "Upload Resumption Supported", 306: "Unused", 413: "Content Too Large",
		414: "URI Too Long", 416: "Range Not Satisfiable", 422: "Unprocessable Content",
	}
	for code := -1; code < 1000; code++ {
		want := http.StatusText(code)
		if s, ok := differ[code]; ok {
			want = s
		}
		phrase, sentence := Phrase(code), Explain(code)
		if phrase != want {
			t.Errorf("Phrase(%d) = %q, want %q", code, phrase, want)
		}
		if (phrase == "") != (sentence == "") || sentence != "" && (!strings.HasSuffix(sentence, ".") || strings.Count(sentence, ".") != 1) {
			t.Errorf("Explain(%d) = %q, want one sentence", code, sentence)
		}
	}
}

func TestAppendStatusLine(t *testing.T) {
	for code, want := range map[int]string{
		200: "xHTTP/1.1 200 OK\r\n",
		511: "xHTTP/1.1 511 Network Authentication Required\r\n",
		299: "xHTTP/1.1 299 \r\n",
		999: "xHTTP/1.1 999 \r\n",
	} {
		if got := string(AppendStatusLine([]byte("x"), code)); got != want {
			t.Errorf("%d: %q, want %q", code, got, want)
		}
	}
}
