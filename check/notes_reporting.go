package check

import (
	"fmt"
	"net/url"
	"strings"
)

// reportingNotes are about where browsers send their reports (the Reporting API,
// and Network Error Logging).
var reportingNotes = []Note{
	{
		ID: "report-endpoint-insecure", Severity: Warn,
		Sentence: "an endpoint for reports is not on https, and browsers ignore it",
		Clause:   "Reporting API", Remedy: "name a URL on https",
		Fires:  Example{Request: "GET https://example.com/", Response: "HTTP/1.1 200 OK\nReporting-Endpoints: r=\"http://r.example/\"\n\n"},
		Silent: Example{Request: "GET https://example.com/", Response: "HTTP/1.1 200 OK\nReporting-Endpoints: r=\"https://r.example/\", s=\"/reports\"\n\n"},
		find: func(x *subject, report func(where, detail string)) {
			for _, m := range x.sf(endpointsField) {
				if x.insecureURL(m.Text) && x.trustworthy() {
					report(of(endpointsField), m.Key+"="+m.Text)
				}
			}
		},
	},
	{
		ID: "report-endpoint-invalid", Severity: Bad,
		Sentence: "an endpoint for reports is no URL, and browsers ignore it",
		Clause:   "Reporting API", Remedy: "name an absolute URL on https, or a path",
		Fires:  Example{Request: "GET https://example.com/", Response: "HTTP/1.1 200 OK\nReporting-Endpoints: r=\"\"\n\n"},
		Silent: Example{Request: "GET https://example.com/", Response: "HTTP/1.1 200 OK\nReporting-Endpoints: r=\"/reports\"\n\n"},
		find: func(x *subject, report func(where, detail string)) {
			for _, m := range x.sf(endpointsField) {
				if _, err := url.Parse(m.Text); err != nil || m.Text == "" {
					report(of(endpointsField), m.Key+"="+m.Text)
				}
			}
		},
	},
	{
		ID: "csp-report-to-unknown", Severity: Warn, Relates: true,
		Sentence: "a content security policy reports to an endpoint that the answer does not name",
		Clause:   "CSP §6.5.2", Remedy: "name it in Reporting-Endpoints",
		Fires: Example{Response: "HTTP/1.1 200 OK\nContent-Security-Policy: img-src 'self'; report-to csp\n" +
			"Reporting-Endpoints: default=\"https://r.example/\"\n\n"},
		Silent: Example{Response: "HTTP/1.1 200 OK\nContent-Security-Policy: img-src 'self'; report-to csp\n" +
			"Reporting-Endpoints: csp=\"https://r.example/\"\n\n"},
		find: perPolicy(func(x *subject, p *cspPolicy, report func(detail string)) {
			if d := p.get("report-to"); d != nil && len(d.values) > 0 && !x.hasEndpoint(d.values[0]) {
				report(d.values[0])
			}
		}),
	},
	{
		ID: "report-to-unknown", Severity: Warn, Relates: true,
		Sentence: "a policy reports to an endpoint that the answer does not name",
		Clause:   "Reporting API", Remedy: "name it in Reporting-Endpoints",
		Fires: Example{Request: "GET https://example.com/", Response: "HTTP/1.1 200 OK\n" +
			"Cross-Origin-Opener-Policy: same-origin; report-to=\"coop\"\n\n"},
		Silent: Example{Request: "GET https://example.com/", Response: "HTTP/1.1 200 OK\n" +
			"Cross-Origin-Opener-Policy: same-origin; report-to=\"coop\"\nReport-To: {\"group\":\"coop\",\"max_age\":86400,\"endpoints\":[{\"url\":\"https://r.example/\"}]}\n\n"},
		find: func(x *subject, report func(where, detail string)) {
			x.reporters(func(name, endpoint string) {
				if !x.hasEndpoint(endpoint) {
					report(of(name), endpoint)
				}
			})
		},
	},
	{
		ID: "report-to-malformed", Severity: Bad,
		Sentence: "Report-To is no list of JSON objects, and browsers ignore it",
		Clause:   "Reporting API", Remedy: `write {"group":"default","max_age":86400,"endpoints":[{"url":"https://…"}]}`,
		Fires:  Example{Response: "HTTP/1.1 200 OK\nReport-To: {'group':'default'}\n\n"},
		Silent: Example{Response: "HTTP/1.1 200 OK\nReport-To: {\"max_age\":0,\"endpoints\":[{\"url\":\"https://r.example/\"}]}\n\n"},
		find: func(x *subject, report func(where, detail string)) {
			if _, err := x.reportGroups(); err != nil && x.has(reportToField) {
				report(of(reportToField), err.Error())
			}
		},
	},
	{
		ID: "report-to-incomplete", Severity: Bad,
		Sentence: "a group of Report-To lacks max_age or endpoints, and browsers ignore it",
		Clause:   "Reporting API", Remedy: "state both",
		Fires:  Example{Response: "HTTP/1.1 200 OK\nReport-To: {\"group\":\"r\",\"endpoints\":[{\"url\":\"https://r.example/\"}]}\n\n"},
		Silent: Example{Response: "HTTP/1.1 200 OK\nReport-To: {\"group\":\"r\",\"max_age\":60,\"endpoints\":[{\"url\":\"https://r.example/\"}]}\n\n"},
		find: func(x *subject, report func(where, detail string)) {
			groups, err := x.reportGroups()
			for _, g := range groups {
				switch {
				case err != nil:
				case g.MaxAge == nil || *g.MaxAge < 0:
					report(of(reportToField), g.name()+": no max_age")
				case len(g.Endpoints) == 0 || g.Endpoints[0].URL == nil:
					report(of(reportToField), g.name()+": no endpoint with a url")
				}
			}
		},
	},
	{
		ID: "report-to-old", Severity: Info, Relates: true,
		Sentence: "a policy reports to a group of Report-To, which newer browsers do not read for that",
		Clause:   "Reporting API", Remedy: "name the endpoint in Reporting-Endpoints too",
		Fires: Example{Response: "HTTP/1.1 200 OK\nContent-Security-Policy: img-src 'self'; report-to r\n" +
			"Report-To: {\"group\":\"r\",\"max_age\":60,\"endpoints\":[{\"url\":\"https://r.example/\"}]}\n\n"},
		Silent: Example{Response: "HTTP/1.1 200 OK\nContent-Security-Policy: img-src 'self'; report-to r\nReporting-Endpoints: r=\"https://r.example/\"\n" +
			"Report-To: {\"group\":\"r\",\"max_age\":60,\"endpoints\":[{\"url\":\"https://r.example/\"}]}\n\n"},
		find: func(x *subject, report func(where, detail string)) {
			seen := map[string]bool{}
			old := func(_, endpoint string) {
				if x.reportGroup(endpoint) != nil && sfFind(x.sf(endpointsField), endpoint) == nil && !seen[endpoint] {
					seen[endpoint] = true
					report(of(reportToField), endpoint)
				}
			}
			x.reporters(old)
			for _, p := range x.policies() {
				if d := p.get("report-to"); d != nil && len(d.values) > 0 {
					old("", d.values[0])
				}
			}
		},
	},
	{
		ID: "nel-malformed", Severity: Bad,
		Sentence: "NEL is no JSON object with max_age, and browsers ignore it",
		Clause:   "Network Error Logging", Remedy: `write {"report_to":"default","max_age":86400}`,
		Fires:  Example{Request: "GET https://example.com/", Response: "HTTP/1.1 200 OK\nNEL: {\"report_to\":\"r\"}\nReport-To: {\"group\":\"r\",\"max_age\":60,\"endpoints\":[{\"url\":\"https://r.example/\"}]}\n\n"},
		Silent: Example{Request: "GET https://example.com/", Response: "HTTP/1.1 200 OK\nNEL: {\"report_to\":\"r\",\"max_age\":60}\nReport-To: {\"group\":\"r\",\"max_age\":60,\"endpoints\":[{\"url\":\"https://r.example/\"}]}\n\n"},
		find: func(x *subject, report func(where, detail string)) {
			p, err := x.nel()
			switch {
			case !x.has(nelField):
			case err != nil:
				report(of(nelField), err.Error())
			case p.MaxAge == nil || *p.MaxAge < 0:
				report(of(nelField), "no max_age")
			}
		},
	},
	{
		ID: "nel-group-unknown", Severity: Warn, Relates: true,
		Sentence: "NEL reports to a group that the answer does not name",
		Clause:   "Network Error Logging", Remedy: "name it in Report-To",
		Fires:  Example{Request: "GET https://example.com/", Response: "HTTP/1.1 200 OK\nNEL: {\"report_to\":\"nel\",\"max_age\":60}\nReport-To: {\"group\":\"r\",\"max_age\":60,\"endpoints\":[{\"url\":\"https://r.example/\"}]}\n\n"},
		Silent: Example{Request: "GET https://example.com/", Response: "HTTP/1.1 200 OK\nNEL: {\"report_to\":\"r\",\"max_age\":60}\nReport-To: {\"group\":\"r\",\"max_age\":60,\"endpoints\":[{\"url\":\"https://r.example/\"}]}\n\n"},
		find: func(x *subject, report func(where, detail string)) {
			p, err := x.nel()
			if err == nil && p.MaxAge != nil && *p.MaxAge > 0 && (p.ReportTo == nil || !x.hasEndpoint(*p.ReportTo)) {
				name := "no report_to"
				if p.ReportTo != nil {
					name = *p.ReportTo
				}
				report(of(nelField), name)
			}
		},
	},
	{
		ID: "nel-over-http", Severity: Info, Relates: true,
		Sentence: "NEL comes over http, where browsers ignore it",
		Clause:   "Network Error Logging", Remedy: "send it over https alone",
		Fires:  Example{Request: "GET http://example.com/", Response: "HTTP/1.1 200 OK\nNEL: {\"report_to\":\"r\",\"max_age\":60}\nReport-To: {\"group\":\"r\",\"max_age\":60,\"endpoints\":[{\"url\":\"https://r.example/\"}]}\n\n"},
		Silent: Example{Request: "GET https://example.com/", Response: "HTTP/1.1 200 OK\nNEL: {\"report_to\":\"r\",\"max_age\":60}\nReport-To: {\"group\":\"r\",\"max_age\":60,\"endpoints\":[{\"url\":\"https://r.example/\"}]}\n\n"},
		find: func(x *subject, report func(where, detail string)) {
			if x.has(nelField) && !x.trustworthy() {
				report(of(nelField), "")
			}
		},
	},
	{
		ID: "nel-fraction", Severity: Bad,
		Sentence: "a fraction of NEL is not between 0 and 1, and browsers ignore the policy",
		Clause:   "Network Error Logging", Remedy: "state a number from 0.0 to 1.0",
		Fires:  Example{Request: "GET https://example.com/", Response: "HTTP/1.1 200 OK\nNEL: {\"report_to\":\"r\",\"max_age\":60,\"success_fraction\":5}\nReport-To: {\"group\":\"r\",\"max_age\":60,\"endpoints\":[{\"url\":\"https://r.example/\"}]}\n\n"},
		Silent: Example{Request: "GET https://example.com/", Response: "HTTP/1.1 200 OK\nNEL: {\"report_to\":\"r\",\"max_age\":60,\"success_fraction\":0.05}\nReport-To: {\"group\":\"r\",\"max_age\":60,\"endpoints\":[{\"url\":\"https://r.example/\"}]}\n\n"},
		find: func(x *subject, report func(where, detail string)) {
			p, _ := x.nel()
			for _, f := range []*float64{p.SuccessFraction, p.FailureFraction} {
				if f != nil && (*f < 0 || *f > 1) {
					report(of(nelField), fmt.Sprint(*f))
				}
			}
		},
	},
	{
		ID: "nel-subdomains", Severity: Warn, Relates: true,
		Sentence: "NEL is to hold for subdomains, but the group that it reports to does not",
		Clause:   "Network Error Logging", Remedy: "add include_subdomains to the group of Report-To",
		Fires:  Example{Request: "GET https://example.com/", Response: "HTTP/1.1 200 OK\nNEL: {\"report_to\":\"r\",\"max_age\":60,\"include_subdomains\":true}\nReport-To: {\"group\":\"r\",\"max_age\":60,\"endpoints\":[{\"url\":\"https://r.example/\"}]}\n\n"},
		Silent: Example{Request: "GET https://example.com/", Response: "HTTP/1.1 200 OK\nNEL: {\"report_to\":\"r\",\"max_age\":60,\"include_subdomains\":true}\nReport-To: {\"group\":\"r\",\"max_age\":60,\"include_subdomains\":true,\"endpoints\":[{\"url\":\"https://r.example/\"}]}\n\n"},
		find: func(x *subject, report func(where, detail string)) {
			if p, err := x.nel(); err == nil && p.IncludeSubdomains && p.ReportTo != nil {
				if g := x.reportGroup(*p.ReportTo); g != nil && !g.IncludeSubdomains {
					report(of(nelField), *p.ReportTo)
				}
			}
		},
	},
	{
		ID: "server-timing-syntax", Severity: Warn,
		Sentence: "Server-Timing has a metric that browsers cannot read, and leave out",
		Clause:   "Server Timing", Remedy: `write metrics as in db;dur=53.2;desc="query"`,
		Fires:  Example{Response: "HTTP/1.1 200 OK\nServer-Timing: db=53; total;dur=60\n\n"},
		Silent: Example{Response: "HTTP/1.1 200 OK\nServer-Timing: db;dur=53.2;desc=\"a, b\", total;dur=60, miss, cfL4;desc=\"?proto=TCP&rtt=1\"\n\n"},
		find: func(x *subject, report func(where, detail string)) {
			for _, metric := range x.list("Server-Timing") {
				if name, _, _ := strings.Cut(metric, ";"); !isToken(trimSpace(name)) {
					report(of("Server-Timing"), metric)
				}
			}
		},
	},
	{
		ID: "server-timing-duration", Severity: Warn,
		Sentence: "a duration of Server-Timing is no number of milliseconds, and browsers take 0",
		Clause:   "Server Timing", Remedy: "write dur=53.2, without a unit",
		Fires:  Example{Response: "HTTP/1.1 200 OK\nServer-Timing: db;dur=53ms\n\n"},
		Silent: Example{Response: "HTTP/1.1 200 OK\nServer-Timing: db;dur=53.2, cache;desc=\"hit; dur=x\";dur=0\n\n"},
		find: func(x *subject, report func(where, detail string)) {
			for _, metric := range x.list("Server-Timing") {
				if v, ok := paramOf(metric, "dur"); ok && !isDecimal(v) {
					report(of("Server-Timing"), metric)
				}
			}
		},
	},
}
