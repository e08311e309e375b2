package alert

import (
	"encoding/json"
	"strings"
	"testing"
	"time"
	"unicode/utf8"
)

const hostile = "a\r\nBcc: x@example.org\x1b[2J\u202e\u2028\xff"

// What others name begins no line of a mail, and nothing that a terminal obeys.
func TestHostileNames(t *testing.T) {
	p := newPlay("origin-down: for 0s")
	told := p.step(Look{"origin_down": {{Subject: hostile, Value: 1, Detail: hostile + strings.Repeat("y", 1<<20)}}}, time.Minute)
	if len(told) != 1 {
		t.Fatal(told)
	}
	n := told[0]
	if strings.ContainsAny(n.Title(), "\r\n\x1b\u202e\u2028") || !utf8.ValidString(n.Title()) {
		t.Errorf("%q", n.Title())
	}
	for line := range strings.Lines(n.Text()) {
		if strings.HasPrefix(line, "Bcc") || strings.ContainsAny(line, "\r\x1b\u202e\u2028") {
			t.Errorf("%q", line)
		}
	}
	if len(n.Text()) > 4000 {
		t.Errorf("the text has %d bytes", len(n.Text()))
	}
}

// The text is narrow, and says what, since when, the bound, why and what to do.
func TestText(t *testing.T) {
	p := newPlay("errors: > 5% for 3m of 50")
	var told []Notice
	for range 4 {
		told = p.step(Look{"error_ratio": {{Value: 37.5, Of: 100, Detail: "the last one: GET /"}}}, time.Minute)
	}
	told[0].Link = "http://127.0.0.1:8001/alerts"
	const want = `critical: errors at edge-1

What      share of answers with a status code of 5xx
Value     37.5 %; the rule is error_ratio > 5 % for 3m
Fault     the last one: GET /
Since     2026-01-31 12:01:00 UTC
Why       Clients do not get what they asked for.
Do        The page Requests of the monitor lists them; freshet why ID
          explains one.
Server    edge-1
Page      http://127.0.0.1:8001/alerts
`
	text := told[0].Text()
	if !strings.HasPrefix(text, want) {
		t.Errorf("got\n%s\nwant\n%s", text, want)
	}
	for line := range strings.Lines(text) {
		if utf8.RuneCountInString(strings.TrimSuffix(line, "\n")) > columns {
			t.Errorf("wide: %s", line)
		}
	}
	b, err := json.Marshal(told[0])
	if err != nil {
		t.Fatal(err)
	}
	var back Notice
	if err := json.Unmarshal(b, &back); err != nil || back.Title() != told[0].Title() || *back.Value != 37.5 {
		t.Errorf("%v %+v", err, back)
	}
	n := TestNotice("edge-1", begin)
	if n.Title() != "test from edge-1" || !strings.Contains(n.Text(), "nothing is wrong") {
		t.Error(n.Text())
	}
}
