package check

import (
	"slices"
	"strings"

	"freshet/internal/field"
)

// clientHints are the hints there are, in lower case; those with another name
// are old.
var clientHints = map[string]string{
	"sec-ch-ua": "", "sec-ch-ua-arch": "", "sec-ch-ua-bitness": "", "sec-ch-ua-form-factors": "",
	"sec-ch-ua-full-version-list": "", "sec-ch-ua-mobile": "", "sec-ch-ua-model": "", "sec-ch-ua-platform": "",
	"sec-ch-ua-platform-version": "", "sec-ch-ua-wow64": "", "sec-ch-ua-high-entropy-values": "",
	"sec-ch-dpr": "", "sec-ch-width": "", "sec-ch-viewport-width": "", "sec-ch-viewport-height": "",
	"sec-ch-device-memory": "", "sec-ch-prefers-color-scheme": "", "sec-ch-prefers-reduced-motion": "",
	"sec-ch-prefers-reduced-transparency": "", "sec-ch-prefers-contrast": "", "sec-ch-prefers-reduced-data": "",
	"sec-ch-forced-colors": "", "sec-ch-save-data": "", "sec-ch-lang": "",
	"save-data": "", "downlink": "", "ect": "", "rtt": "",

	"dpr": "Sec-CH-DPR", "width": "Sec-CH-Width", "viewport-width": "Sec-CH-Viewport-Width",
	"device-memory": "Sec-CH-Device-Memory", "sec-ch-ua-full-version": "Sec-CH-UA-Full-Version-List",
}

// lowEntropy are the hints that browsers send unasked.
var lowEntropy = []string{"sec-ch-ua", "sec-ch-ua-mobile", "sec-ch-ua-platform", "save-data"}

// hints returns the hints that a field of the answer names, in lower case.
func (s *subject) hints(name string) []string {
	var all []string
	for _, m := range s.sf(name) {
		if m.Kind == field.Token {
			all = append(all, strings.ToLower(m.Text))
		}
	}
	return all
}

// hintNotes are about client hints (RFC 8942).
var hintNotes = []Note{
	{
		ID: "accept-ch-over-http", Severity: Info, Relates: true,
		Sentence: "Accept-CH comes over http, where browsers ignore it",
		Clause:   "RFC 8942 §3.1", Remedy: "send it over https",
		Fires:  Example{Request: "GET http://example.com/", Response: "HTTP/1.1 200 OK\nAccept-CH: Sec-CH-UA-Model\n\n"},
		Silent: Example{Request: "GET https://example.com/", Response: "HTTP/1.1 200 OK\nAccept-CH: Sec-CH-UA-Model\n\n"},
		find: func(x *subject, report func(where, detail string)) {
			if x.has("Accept-CH") && !x.trustworthy() {
				report(of("Accept-CH"), "")
			}
		},
	},
	{
		ID: "client-hint-unknown", Severity: Warn,
		Sentence: "a client hint is asked for that does not exist, and browsers ignore it",
		Clause:   "RFC 8942 §3.1", Remedy: "write the name of the field that is to be sent, such as Sec-CH-UA-Model",
		Fires:  Example{Request: "GET https://example.com/", Response: "HTTP/1.1 200 OK\nAccept-CH: UA-Model\n\n"},
		Silent: Example{Request: "GET https://example.com/", Response: "HTTP/1.1 200 OK\nAccept-CH: sec-ch-ua-model\n\n"},
		find: func(x *subject, report func(where, detail string)) {
			for _, name := range []string{"Accept-CH", "Critical-CH"} {
				for _, hint := range x.hints(name) {
					if _, ok := clientHints[hint]; !ok {
						report(of(name), hint)
					}
				}
			}
		},
	},
	{
		ID: "client-hint-old", Severity: Info,
		Sentence: "a client hint is asked for by its old name",
		Clause:   "Responsive Image Client Hints", Remedy: "ask by the new name, which begins with Sec-CH-",
		Fires:  Example{Request: "GET https://example.com/", Response: "HTTP/1.1 200 OK\nAccept-CH: DPR\n\n"},
		Silent: Example{Request: "GET https://example.com/", Response: "HTTP/1.1 200 OK\nAccept-CH: DPR, Sec-CH-DPR\n\n"},
		find: func(x *subject, report func(where, detail string)) {
			all := x.hints("Accept-CH")
			for _, hint := range all {
				if now := clientHints[hint]; now != "" && !slices.Contains(all, strings.ToLower(now)) {
					report(of("Accept-CH"), hint+", now "+now)
				}
			}
		},
	},
	{
		ID: "critical-ch-not-accepted", Severity: Bad, Relates: true,
		Sentence: "Critical-CH names a hint that Accept-CH does not, and browsers ignore it",
		Clause:   "draft-davidben-http-client-hint-reliability", Remedy: "name it in Accept-CH too",
		Fires:  Example{Request: "GET https://example.com/", Response: "HTTP/1.1 200 OK\nAccept-CH: Sec-CH-UA-Model\nCritical-CH: Sec-CH-UA-Arch\nVary: Sec-CH-UA-Arch\n\n"},
		Silent: Example{Request: "GET https://example.com/", Response: "HTTP/1.1 200 OK\nAccept-CH: Sec-CH-UA-Model, Sec-CH-UA-Arch\nCritical-CH: sec-ch-ua-arch\nVary: Sec-CH-UA-Arch\n\n"},
		find: func(x *subject, report func(where, detail string)) {
			accepted := x.hints("Accept-CH")
			for _, hint := range x.hints("Critical-CH") {
				if !slices.Contains(accepted, hint) {
					report(of("Critical-CH"), hint)
				}
			}
		},
	},
	{
		ID: "critical-ch-without-vary", Severity: Warn, Relates: true,
		Sentence: "a hint is critical to the answer, but Vary does not name it, so caches mix the variants",
		Clause:   "RFC 8942 §3.2", Remedy: "name it in Vary",
		Fires:  Example{Request: "GET https://example.com/", Response: "HTTP/1.1 200 OK\nAccept-CH: Sec-CH-UA-Model\nCritical-CH: Sec-CH-UA-Model\nCache-Control: max-age=60\n\n"},
		Silent: Example{Request: "GET https://example.com/", Response: "HTTP/1.1 200 OK\nAccept-CH: Sec-CH-UA-Model\nCritical-CH: Sec-CH-UA-Model\nCache-Control: max-age=60\nVary: Sec-CH-UA-Model\n\n"},
		find: func(x *subject, report func(where, detail string)) {
			vary := x.list("Vary")
			for _, hint := range x.hints("Critical-CH") {
				if x.private.Store && !anyFold(vary, hint) && !anyFold(vary, "*") {
					report(of("Vary"), hint)
				}
			}
		},
	},
	{
		ID: "critical-ch-unsent", Severity: Info, Relates: true,
		Sentence: "the request does not carry a critical hint, so a browser that has it asks a second time",
		Clause:   "draft-davidben-http-client-hint-reliability", Remedy: "announce the hint with the connection (ACCEPT_CH), or do without it",
		Fires:  Example{Request: "GET https://example.com/\nSec-CH-UA: \"A\";v=\"1\"", Response: "HTTP/1.1 200 OK\nAccept-CH: Sec-CH-UA-Model\nCritical-CH: Sec-CH-UA-Model\nVary: Sec-CH-UA-Model\n\n"},
		Silent: Example{Request: "GET https://example.com/\nSec-CH-UA: \"A\";v=\"1\"\nSec-CH-UA-Model: \"B\"", Response: "HTTP/1.1 200 OK\nAccept-CH: Sec-CH-UA-Model\nCritical-CH: Sec-CH-UA-Model\nVary: Sec-CH-UA-Model\n\n"},
		find: func(x *subject, report func(where, detail string)) {
			for _, hint := range x.hints("Critical-CH") {
				if len(x.asked("Sec-CH-UA")) > 0 && len(x.asked(hint)) == 0 {
					report(of("Critical-CH"), hint)
				}
			}
		},
	},
	{
		ID: "accept-ch-forbidden", Severity: Warn, Relates: true,
		Sentence: "Accept-CH asks for a hint that Permissions-Policy forbids",
		Clause:   "RFC 8942 §3.1", Remedy: "drop one of the two",
		Fires:  Example{Request: "GET https://example.com/", Response: "HTTP/1.1 200 OK\nAccept-CH: Sec-CH-UA-Model\nPermissions-Policy: ch-ua-model=()\n\n"},
		Silent: Example{Request: "GET https://example.com/", Response: "HTTP/1.1 200 OK\nAccept-CH: Sec-CH-UA-Model\nPermissions-Policy: ch-ua-model=(self)\n\n"},
		find: func(x *subject, report func(where, detail string)) {
			policy := x.sf(permissionsField)
			for _, hint := range x.hints("Accept-CH") {
				feature := "ch-" + strings.TrimPrefix(hint, "sec-ch-")
				if m := sfFind(policy, feature); m != nil && m.Kind == field.Inner && len(m.List) == 0 {
					report(of("Accept-CH"), hint)
				}
			}
		},
	},
	{
		ID: "vary-hint-unasked", Severity: Info, Relates: true,
		Sentence: "Vary names a client hint that browsers send only when asked, and nothing asks for it here",
		Clause:   "RFC 8942 §3.2", Remedy: "send Accept-CH with the pages of the site, or leave the hint out of Vary",
		Fires:  Example{Request: "GET https://example.com/", Response: "HTTP/1.1 200 OK\nContent-Type: text/html\nVary: Sec-CH-UA-Model\n\n"},
		Silent: Example{Request: "GET https://example.com/", Response: "HTTP/1.1 200 OK\nContent-Type: text/html\nVary: Sec-CH-UA-Mobile\n\n"},
		find: func(x *subject, report func(where, detail string)) {
			accepted := x.hints("Accept-CH")
			for _, name := range x.list("Vary") {
				hint := strings.ToLower(name)
				_, known := clientHints[hint]
				asked := slices.Contains(accepted, hint) || len(x.asked(hint)) > 0
				if x.page() && known && !asked && !slices.Contains(lowEntropy, hint) {
					report(of("Vary"), name)
				}
			}
		},
	},
	{
		ID: "fetch-metadata-contradicts", Severity: Warn, Relates: true,
		Sentence: "the fields by which the browser describes its request contradict each other, so something else made or changed them",
		Clause:   "Fetch Metadata", Remedy: "treat such requests as forged",
		Fires:  Example{Request: "GET https://example.com/\nSec-Fetch-Mode: navigate\nSec-Fetch-Dest: empty\nSec-Fetch-Site: none", Response: "HTTP/1.1 200 OK\n\n"},
		Silent: Example{Request: "GET https://example.com/\nSec-Fetch-Mode: navigate\nSec-Fetch-Dest: document\nSec-Fetch-Site: none\nSec-Fetch-User: ?1", Response: "HTTP/1.1 200 OK\n\n"},
		find: func(x *subject, report func(where, detail string)) {
			mode, dest := x.askedValue("Sec-Fetch-Mode"), x.askedValue("Sec-Fetch-Dest")
			switch {
			case mode == "navigate" && slices.Contains([]string{"empty", "script", "style", "image", "font"}, dest):
				report(ofRequest("Sec-Fetch-Dest"), mode+", for "+dest)
			case mode != "" && mode != "navigate" && x.askedValue("Sec-Fetch-User") == "?1":
				report(ofRequest("Sec-Fetch-User"), mode)
			case mode != "" && mode != "navigate" && (dest == "document" || dest == "iframe"):
				report(ofRequest("Sec-Fetch-Mode"), mode+", for "+dest)
			}
		},
	},
}
