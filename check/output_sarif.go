package check

import (
	"io"
	"net/url"
	"strings"
)

// The parts of SARIF 2.1.0 that are written.
type (
	sarifLog struct {
		Schema  string     `json:"$schema"`
		Version string     `json:"version"`
		Runs    []sarifRun `json:"runs"`
	}
	sarifRun struct {
		Tool        sarifTool         `json:"tool"`
		Invocations []sarifInvocation `json:"invocations"`
		Results     []sarifResult     `json:"results"`
	}
	sarifTool struct {
		Driver sarifDriver `json:"driver"`
	}
	sarifDriver struct {
		Name  string      `json:"name"`
		Rules []sarifRule `json:"rules"`
	}
	sarifRule struct {
		ID               string      `json:"id"`
		ShortDescription sarifText   `json:"shortDescription"`
		FullDescription  sarifText   `json:"fullDescription"`
		Help             sarifText   `json:"help"`
		Configuration    sarifConfig `json:"defaultConfiguration"`
	}
	sarifConfig struct {
		Level string `json:"level"`
	}
	sarifText struct {
		Text string `json:"text"`
	}
	sarifInvocation struct {
		Successful    bool                `json:"executionSuccessful"`
		Notifications []sarifNotification `json:"toolExecutionNotifications,omitempty"`
	}
	sarifNotification struct {
		Level     string          `json:"level"`
		Message   sarifText       `json:"message"`
		Locations []sarifLocation `json:"locations,omitempty"`
	}
	sarifResult struct {
		RuleID    string          `json:"ruleId"`
		RuleIndex int             `json:"ruleIndex"`
		Level     string          `json:"level"`
		Message   sarifText       `json:"message"`
		Locations []sarifLocation `json:"locations"`
	}
	sarifLocation struct {
		Physical sarifPhysical `json:"physicalLocation"`
	}
	sarifPhysical struct {
		Artifact sarifArtifact `json:"artifactLocation"`
	}
	sarifArtifact struct {
		URI string `json:"uri"`
	}
)

var sarifLevels = [...]string{Info: "note", Warn: "warning", Bad: "error"}

// writeSARIF writes the report as SARIF 2.1.0: a rule for each note that was
// found, a result for each finding, and a notification for each address
// without an answer.
func (r *Report) writeSARIF(w io.Writer) error {
	run := sarifRun{Tool: sarifTool{sarifDriver{Name: "freshet check", Rules: []sarifRule{}}}, Results: []sarifResult{}}
	done := sarifInvocation{Successful: true}
	rules := map[*Note]int{}
	for _, x := range r.Results {
		at := []sarifLocation{{sarifPhysical{sarifArtifact{sarifURI(x)}}}}
		if x.Err != nil {
			done.Successful = false
			done.Notifications = append(done.Notifications, sarifNotification{"error", sarifText{x.Err.Error()}, at})
		}
		for _, f := range x.Findings {
			i, known := rules[f.Note]
			if !known {
				i = len(run.Tool.Driver.Rules)
				rules[f.Note] = i
				run.Tool.Driver.Rules = append(run.Tool.Driver.Rules, sarifRuleOf(f.Note))
			}
			text := sentence(f.Note.Sentence)
			if f.Where != "" || f.Detail != "" {
				text = strings.TrimSuffix(text, ".") + " (" + strings.Trim(f.Where+": "+f.Detail, ": ") + ")."
			}
			run.Results = append(run.Results, sarifResult{f.Note.ID, i, sarifLevels[f.Note.Severity], sarifText{text}, at})
		}
	}
	run.Invocations = []sarifInvocation{done}
	return encode(w, sarifLog{"https://json.schemastore.org/sarif-2.1.0.json", "2.1.0", []sarifRun{run}})
}

// sarifURI is the address; for a file its path in the folder, which is what
// those who show results look for.
func sarifURI(x *Result) string {
	if x.Name == "" {
		return x.URL
	}
	return (&url.URL{Path: x.Name}).String()
}

func sarifRuleOf(n *Note) sarifRule {
	var help []string
	if n.Clause != "" {
		help = append(help, "By "+n.Clause+".")
	}
	if n.Remedy != "" {
		help = append(help, "Fix: "+n.Remedy+".")
	}
	if len(help) == 0 {
		help = append(help, "Nothing needs to be changed.")
	}
	full := sentence(n.Sentence)
	return sarifRule{n.ID, sarifText{full}, sarifText{full}, sarifText{strings.Join(help, " ")}, sarifConfig{sarifLevels[n.Severity]}}
}

// sentence makes one of a clause in lower case.
func sentence(s string) string {
	if s == "" {
		return s
	}
	return strings.ToUpper(s[:1]) + s[1:] + "."
}
