package check

import (
	"bytes"
	"encoding/json"
	"io"

	"freshet/internal/field"
)

type jsonReport struct {
	Title   string              `json:"title"`
	Summary jsonSummary         `json:"summary"`
	Results []jsonResult        `json:"results"`
	Notes   map[string]jsonNote `json:"notes"` // those that were found
}

type jsonSummary struct {
	Addresses int `json:"addresses"`
	Failed    int `json:"failed"`
	Bad       int `json:"bad"`
	Warn      int `json:"warn"`
	Info      int `json:"info"`
}

type jsonResult struct {
	URL      string        `json:"url"`
	Name     string        `json:"name,omitempty"`
	Error    string        `json:"error,omitempty"`
	Protocol string        `json:"protocol,omitempty"`
	Status   int           `json:"status,omitempty"`
	Verdict  []string      `json:"verdict,omitempty"`
	Findings []jsonFinding `json:"findings"`
}

type jsonFinding struct {
	Note     string `json:"note"`
	Severity string `json:"severity"`
	Where    string `json:"where,omitempty"`
	Detail   string `json:"detail,omitempty"`
}

type jsonNote struct {
	Severity string `json:"severity"`
	Sentence string `json:"sentence"`
	Clause   string `json:"clause,omitempty"`
	Remedy   string `json:"remedy,omitempty"`
}

// writeJSON writes the report as one object: the results, and the notes that
// they name.
func (r *Report) writeJSON(w io.Writer) error {
	n := r.counts()
	report := jsonReport{Title: r.Title, Notes: map[string]jsonNote{}, Results: []jsonResult{},
		Summary: jsonSummary{len(r.Results), len(r.Failed()), n[Bad], n[Warn], n[Info]}}
	for _, x := range r.Results {
		result := jsonResult{URL: x.URL, Name: x.Name, Findings: []jsonFinding{}}
		if x.Err != nil {
			result.Error = x.Err.Error()
		}
		if x.Exchange != nil {
			result.Protocol, result.Status, result.Verdict = x.Exchange.Proto, x.Exchange.Status, verdictLines(x.Exchange)
		}
		for _, f := range x.Findings {
			result.Findings = append(result.Findings, jsonFinding{f.Note.ID, f.Note.Severity.String(), f.Where, f.Detail})
			report.Notes[f.Note.ID] = jsonNote{f.Note.Severity.String(), f.Note.Sentence, f.Note.Clause, f.Note.Remedy}
		}
		report.Results = append(report.Results, result)
	}
	return encode(w, report)
}

// encode writes a value as JSON that a terminal shows, whatever servers have put
// into it.
func encode(w io.Writer, v any) error {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	e.SetIndent("", "  ")
	if err := e.Encode(v); err != nil {
		return err
	}
	_, err := w.Write(field.EscapeJSON(b.Bytes()))
	return err
}
