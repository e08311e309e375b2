package check

import (
	"path"
	"strings"
)

// frameOptions are the values of X-Frame-Options, in lower case, each once.
func (s *subject) frameOptions() []string {
	var all []string
	for _, v := range s.list("X-Frame-Options") {
		if v = strings.ToLower(v); !anyFold(all, v) {
			all = append(all, v)
		}
	}
	return all
}

// framedBy returns frame-ancestors of the first enforced policy that has it.
func (s *subject) framedBy() *cspDirective {
	for _, p := range s.policies() {
		if d := p.get("frame-ancestors"); d != nil && !p.reportOnly() {
			return d
		}
	}
	return nil
}

// nosniff reports whether browsers are told to believe Content-Type (Fetch
// §3.5).
func (s *subject) nosniff() bool {
	all := s.list("X-Content-Type-Options")
	return len(all) > 0 && strings.EqualFold(all[0], "nosniff")
}

// wantedAs returns what the browser wants the answer for: a script or a style.
func (s *subject) wantedAs() string {
	switch dest := s.askedValue("Sec-Fetch-Dest"); dest {
	case "script", "style":
		return dest
	case "":
		switch strings.ToLower(path.Ext(s.target.Path)) {
		case ".js", ".mjs":
			return "script"
		case ".css":
			return "style"
		}
	}
	return ""
}

// isScriptType reports whether a media type is JavaScript's, or JSON's and
// WebAssembly's, which modules can be of.
func isScriptType(mediaType string) bool {
	switch mediaType {
	case "text/javascript", "application/javascript", "application/x-javascript", "application/ecmascript", "text/ecmascript",
		"text/x-javascript", "text/jscript", "text/livescript", "text/x-ecmascript", "application/x-ecmascript",
		"application/json", "text/json", "application/wasm":
		return true
	}
	return strings.HasPrefix(mediaType, "text/javascript1.") || strings.HasSuffix(mediaType, "+json")
}

// framingNotes are about who may show a page in a frame, and about sniffing.
var framingNotes = []Note{
	{
		ID: "frame-options-invalid", Severity: Bad,
		Sentence: "X-Frame-Options is neither DENY nor SAMEORIGIN, and browsers ignore it",
		Clause:   "HTML", Remedy: "send DENY or SAMEORIGIN, or frame-ancestors in Content-Security-Policy",
		Fires:  Example{Response: "HTTP/1.1 200 OK\nX-Frame-Options: SAME-ORIGIN\n\n"},
		Silent: Example{Response: "HTTP/1.1 200 OK\nX-Frame-Options: sameorigin\n\n"},
		find: func(x *subject, report func(where, detail string)) {
			for _, v := range x.frameOptions() {
				if v != "deny" && v != "sameorigin" && v != "allowall" && !strings.HasPrefix(v, "allow-from") {
					report(of("X-Frame-Options"), v)
				}
			}
		},
	},
	{
		ID: "frame-options-allow-from", Severity: Warn,
		Sentence: "X-Frame-Options says ALLOW-FROM, which browsers ignore, so any site may frame the page",
		Clause:   "HTML", Remedy: "send Content-Security-Policy: frame-ancestors with that origin",
		Fires:  Example{Response: "HTTP/1.1 200 OK\nX-Frame-Options: ALLOW-FROM https://example.org/\n\n"},
		Silent: Example{Response: "HTTP/1.1 200 OK\nX-Frame-Options: ALLOW-FROM https://example.org/\nContent-Security-Policy: frame-ancestors https://example.org\n\n"},
		find: func(x *subject, report func(where, detail string)) {
			for _, v := range x.frameOptions() {
				if strings.HasPrefix(v, "allow-from") && x.framedBy() == nil {
					report(of("X-Frame-Options"), v)
				}
			}
		},
	},
	{
		ID: "frame-options-several", Severity: Bad,
		Sentence: "X-Frame-Options has several values, and browsers then let nobody frame the page",
		Clause:   "HTML", Remedy: "send one; look for a second place that adds it",
		Fires:  Example{Response: "HTTP/1.1 200 OK\nX-Frame-Options: SAMEORIGIN, DENY\n\n"},
		Silent: Example{Response: "HTTP/1.1 200 OK\nX-Frame-Options: SAMEORIGIN, SAMEORIGIN\n\n"},
		find: func(x *subject, report func(where, detail string)) {
			if all := x.frameOptions(); len(all) > 1 {
				report(of("X-Frame-Options"), strings.Join(all, ", "))
			}
		},
	},
	{
		ID: "frame-options-beside-csp", Severity: Warn, Relates: true,
		Sentence: "X-Frame-Options and frame-ancestors contradict each other, and browsers follow frame-ancestors",
		Clause:   "CSP §6.4.2.2", Remedy: "make them say the same, or leave X-Frame-Options out",
		Fires:  Example{Response: "HTTP/1.1 200 OK\nX-Frame-Options: DENY\nContent-Security-Policy: frame-ancestors 'self'\n\n"},
		Silent: Example{Response: "HTTP/1.1 200 OK\nX-Frame-Options: DENY\nContent-Security-Policy: frame-ancestors 'none'\n\n"},
		find: func(x *subject, report func(where, detail string)) {
			d, options := x.framedBy(), x.frameOptions()
			if d == nil || len(options) != 1 {
				return
			}
			none := len(d.values) == 0 || d.has("'none'")
			var differ bool
			switch options[0] {
			case "deny":
				differ = !none
			case "sameorigin":
				differ = none || !d.has("'self'") && !d.has("*")
			}
			if differ {
				report(of("X-Frame-Options"), strings.ToUpper(options[0])+", and frame-ancestors "+strings.Join(d.values, " "))
			}
		},
	},
	{
		ID: "nosniff-invalid", Severity: Warn,
		Sentence: "X-Content-Type-Options does not say nosniff, the only thing that it can say",
		Clause:   "Fetch §3.6", Remedy: "send nosniff",
		Fires:  Example{Response: "HTTP/1.1 200 OK\nContent-Type: text/html\nX-Content-Type-Options: no-sniff\n\n"},
		Silent: Example{Response: "HTTP/1.1 200 OK\nContent-Type: text/html\nX-Content-Type-Options: NoSniff\n\n"},
		find: func(x *subject, report func(where, detail string)) {
			if x.has("X-Content-Type-Options") && !x.nosniff() {
				report(of("X-Content-Type-Options"), x.get("X-Content-Type-Options"))
			}
		},
	},
	{
		ID: "nosniff-without-type", Severity: Warn, Relates: true,
		Sentence: "browsers may not sniff what the answer is, and nothing tells them",
		Clause:   "Fetch §3.6", Remedy: "send Content-Type",
		Fires:  Example{Response: "HTTP/1.1 200 OK\nX-Content-Type-Options: nosniff\nContent-Length: 9\n\n"},
		Silent: Example{Response: "HTTP/1.1 200 OK\nX-Content-Type-Options: nosniff\nContent-Length: 0\n\n"},
		find: func(x *subject, report func(where, detail string)) {
			if x.nosniff() && !x.has("Content-Type") && x.hasBody() && x.class() == 2 {
				report(of("X-Content-Type-Options"), "")
			}
		},
	},
	{
		ID: "nosniff-blocks-script", Severity: Bad, Relates: true,
		Sentence: "a script has a type that is not JavaScript's, and with nosniff browsers do not run it",
		Clause:   "Fetch §3.6", Remedy: "send Content-Type: text/javascript",
		Fires:  Example{Request: "GET /app.js", Response: "HTTP/1.1 200 OK\nContent-Type: text/plain\nX-Content-Type-Options: nosniff\n\n"},
		Silent: Example{Request: "GET /app.js", Response: "HTTP/1.1 200 OK\nContent-Type: text/javascript; charset=utf-8\nX-Content-Type-Options: nosniff\n\n"},
		find: func(x *subject, report func(where, detail string)) {
			if x.nosniff() && x.class() == 2 && x.wantedAs() == "script" && x.mediaType != "" && !isScriptType(x.mediaType) {
				report(of("Content-Type"), x.mediaType)
			}
		},
	},
	{
		ID: "nosniff-blocks-style", Severity: Bad, Relates: true,
		Sentence: "a style sheet has another type than text/css, and with nosniff browsers do not apply it",
		Clause:   "Fetch §3.6", Remedy: "send Content-Type: text/css",
		Fires:  Example{Request: "GET /app.css", Response: "HTTP/1.1 200 OK\nContent-Type: text/plain\nX-Content-Type-Options: nosniff\n\n"},
		Silent: Example{Request: "GET /app.css", Response: "HTTP/1.1 200 OK\nContent-Type: text/css\nX-Content-Type-Options: nosniff\n\n"},
		find: func(x *subject, report func(where, detail string)) {
			if x.nosniff() && x.class() == 2 && x.wantedAs() == "style" && x.mediaType != "" && x.mediaType != "text/css" {
				report(of("Content-Type"), x.mediaType)
			}
		},
	},
}
