package check

import (
	"encoding/json"
	"strings"

	"freshet/internal/field"
)

const (
	endpointsField = "Reporting-Endpoints"
	reportToField  = "Report-To"
	nelField       = "NEL"
)

// A reportGroup is a member of Report-To, which is JSON without the brackets.
// Members that are not there are nil.
type reportGroup struct {
	Group             *string  `json:"group"`
	MaxAge            *float64 `json:"max_age"`
	IncludeSubdomains bool     `json:"include_subdomains"`
	Endpoints         []struct {
		URL *string `json:"url"`
	} `json:"endpoints"`
}

// name is what policies call the group.
func (g *reportGroup) name() string {
	if g.Group == nil {
		return "default"
	}
	return *g.Group
}

// reportGroups reads Report-To.
func (s *subject) reportGroups() ([]reportGroup, error) {
	var groups []reportGroup
	err := json.Unmarshal([]byte("["+s.get(reportToField)+"]"), &groups)
	return groups, err
}

// A nelPolicy is the value of NEL.
type nelPolicy struct {
	ReportTo          *string  `json:"report_to"`
	MaxAge            *float64 `json:"max_age"`
	IncludeSubdomains bool     `json:"include_subdomains"`
	SuccessFraction   *float64 `json:"success_fraction"`
	FailureFraction   *float64 `json:"failure_fraction"`
}

// nel reads NEL, of which the first object counts.
func (s *subject) nel() (p nelPolicy, err error) {
	var all []nelPolicy
	if err = json.Unmarshal([]byte("["+s.get(nelField)+"]"), &all); err == nil && len(all) > 0 {
		p = all[0]
	}
	return p, err
}

// hasEndpoint reports whether the answer says where an endpoint is.
func (s *subject) hasEndpoint(name string) bool {
	if sfFind(s.sf(endpointsField), name) != nil {
		return true
	}
	return s.reportGroup(name) != nil
}

// reportGroup returns a group of Report-To, nil if there is none.
func (s *subject) reportGroup(name string) *reportGroup {
	if groups, err := s.reportGroups(); err == nil {
		for i := range groups {
			if groups[i].name() == name {
				return &groups[i]
			}
		}
	}
	return nil
}

// reporters calls f for each place of the answer that names an endpoint, but
// for Content-Security-Policy and NEL.
func (s *subject) reporters(f func(name, endpoint string)) {
	for _, row := range isolationTokens {
		for _, name := range []string{row.field, row.field + reportOnly} {
			if m := s.sf(name); len(m) == 1 {
				if endpoint := textParam(&m[0], "report-to"); endpoint != "" {
					f(name, endpoint)
				}
			}
		}
	}
	for _, name := range []string{permissionsField, permissionsField + reportOnly} {
		for _, m := range s.sf(name) {
			if endpoint := textParam(&m, "report-to"); endpoint != "" {
				f(name, endpoint)
			}
		}
	}
	for _, name := range []string{"Integrity-Policy", "Integrity-Policy-Report-Only"} {
		if m := sfFind(s.sf(name), "endpoints"); m != nil && m.Kind == field.Inner {
			for _, e := range m.List {
				f(name, e.Text)
			}
		}
	}
}

// insecureURL reports whether reports cannot go to an endpoint because it is not
// on https.
func (s *subject) insecureURL(ref string) bool {
	u, ok := s.absolute(ref)
	if !ok || strings.EqualFold(u.Scheme, "https") {
		return false
	}
	at := subject{target: u}
	return !at.loopback()
}
