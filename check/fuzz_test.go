package check

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"freshet/internal/wiretest"
)

// maxFuzzed is how large the heads are that must be judged in a second.
const maxFuzzed = 16 << 10

// FuzzPassive judges whatever can be read as an exchange: nothing panics, the
// findings are bounded and in their order, the time is, and a second look finds
// the same.
func FuzzPassive(f *testing.F) {
	for n := range Notes {
		f.Add(n.Fires.Request, n.Fires.Response, n.Fires.Trailer)
	}
	for _, e := range everyday {
		f.Add(e.Request, e.Response, e.Trailer)
	}
	f.Fuzz(func(t *testing.T, request, response, trailer string) {
		if len(request)+len(response)+len(trailer) > maxFuzzed {
			t.Skip()
		}
		x, err := Example{Request: request, Response: response, Trailer: trailer}.exchange()
		if err != nil {
			t.Skip()
		}
		var findings []Finding
		if took := wiretest.Busy(func() {
			findings = Passive(x)
			_ = VerdictOf(x).String()
		}); took > 5*time.Second {
			t.Errorf("took %v", took)
		}
		worst, times := Bad, map[string]int{}
		for _, found := range findings {
			if found.Note.Severity > worst {
				t.Errorf("%s comes late", found.Note.ID)
			}
			worst = found.Note.Severity
			if times[found.Note.ID]++; times[found.Note.ID] > maxPerNote {
				t.Errorf("%s is found too often", found.Note.ID)
			}
			if len(found.Detail) > 300 {
				t.Errorf("%s has %d bytes of detail", found.Note.ID, len(found.Detail))
			}
		}
		again := Passive(x)
		if len(again) != len(findings) {
			t.Fatalf("%d findings, then %d", len(findings), len(again))
		}
		for i := range again {
			if again[i] != findings[i] {
				t.Errorf("%v, then %v", findings[i], again[i])
			}
		}
	})
}

// A head of the largest usual size is judged in no time, whatever is in it.
func TestPassiveIsBounded(t *testing.T) {
	names, varied := strings.Builder{}, strings.Builder{}
	for i := range 64 << 10 / 24 {
		fmt.Fprintf(&names, "Access-Control-Alow-%04d:\n", i)
		fmt.Fprintf(&varied, "Access-Control-Alow-%04d,", i)
	}
	for name, line := range map[string]string{
		"names":      names.String(),
		"varied":     "Vary: " + varied.String() + "\n",
		"lists":      "Vary: " + strings.Repeat("a,", 200) + "\n",
		"directives": "Cache-Control: " + strings.Repeat("max-age=1,", 100) + "\n",
		"cookies":    "Set-Cookie: a=b; Path=/; Max-Age=1\n",
		"links":      "Link: " + strings.Repeat("</a>; rel=preload,", 60) + "\n",
		"policies":   "Content-Security-Policy: " + strings.Repeat("default-src 'self';", 60) + "\n",
		"challenges": "WWW-Authenticate: " + strings.Repeat("Basic realm=\"x\",", 60) + "\n",
		"quotes":     "Accept-CH: " + strings.Repeat("\"", 1000) + "\n",
		"dates":      "Expires: Thu, 01 Oct 2026 12:00:00 GMT\n",
	} {
		t.Run(name, func(t *testing.T) {
			text := "HTTP/1.1 200 OK\n" + strings.Repeat(line, max(64<<10/len(line), 1))
			x := mustExchange(t, Example{Response: text})
			if took := wiretest.Busy(func() { Passive(x) }); took > 2*time.Second {
				t.Errorf("took %v", took)
			} else {
				t.Log(took)
			}
		})
	}
}
