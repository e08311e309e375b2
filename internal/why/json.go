package why

import (
	"encoding/json"
	"time"

	"freshet/internal/rule"
)

func rowOf(e *Explanation) rule.Row { return rule.Of(e.Rule) }

// MarshalJSON implements json.Marshaler. The names are stable; a member is left
// out when there is nothing to say, but for verdict, rule, sentence and fixes.
func (e *Explanation) MarshalJSON() ([]byte, error) {
	type row struct {
		Name     string `json:"name"`
		Sentence string `json:"sentence"`
		Clause   string `json:"clause,omitempty"`
		Remedy   string `json:"remedy,omitempty"`
	}
	type fix struct {
		Fix
		Text string `json:"text"`
	}
	r := rowOf(e)
	fixes := make([]fix, len(e.Fixes))
	for i, f := range e.Fixes {
		fixes[i] = fix{f, f.String()}
	}
	var at *time.Time
	if !e.Time.IsZero() {
		utc := e.Time.UTC()
		at = &utc
	}
	return json.Marshal(struct {
		ID       string       `json:"id,omitempty"`
		Time     *time.Time   `json:"time,omitempty"`
		Method   string       `json:"method,omitempty"`
		URL      string       `json:"url,omitempty"`
		Status   int          `json:"status,omitempty"`
		Verdict  string       `json:"verdict"`
		Rule     row          `json:"rule"`
		Sentence string       `json:"sentence"`
		Compared []Comparison `json:"compared,omitempty"`
		Settings []Setting    `json:"settings,omitempty"`
		Also     []string     `json:"also,omitempty"`
		Fixes    []fix        `json:"fixes"`
		Advice   string       `json:"advice,omitempty"`
	}{e.ID, at, e.Method, e.URL, e.Status, e.Verdict.String(), row{r.Name, r.Sentence, r.Clause, r.Remedy}, e.Sentence,
		e.Compared, e.Settings, e.Also, fixes, e.Advice})
}
