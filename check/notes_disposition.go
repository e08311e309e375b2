package check

import (
	"path"
	"strings"
)

// dispositionNotes are about Content-Disposition (RFC 6266).
var dispositionNotes = []Note{
	{
		ID: "disposition-unknown", Severity: Info,
		Sentence: "the disposition is not known, so browsers take it for attachment",
		Clause:   "RFC 6266 §4.2", Remedy: "send inline or attachment",
		Fires:  ok200("Content-Disposition: download; filename=a.txt"),
		Silent: ok200("Content-Disposition: attachment; filename=a.txt"),
		find: func(x *subject, report func(where, detail string)) {
			if !x.has("Content-Disposition") {
				return
			}
			if kind := semicolons(x.get("Content-Disposition"))[0]; !anyFold([]string{"inline", "attachment", "form-data"}, kind) {
				report(of("Content-Disposition"), kind)
			}
		},
	},
	{
		ID: "disposition-without-name", Severity: Info,
		Sentence: "the answer is to be saved, under a name that the browser has to make of the address",
		Clause:   "RFC 6266 §4.3", Remedy: "add filename",
		Fires:  ok200("Content-Disposition: attachment").asked("GET /download?id=7 HTTP/1.1"),
		Silent: ok200("Content-Disposition: attachment").asked("GET /files/report.pdf HTTP/1.1"),
		find: func(x *subject, report func(where, detail string)) {
			_, plain := x.disposition("filename")
			_, extended := x.disposition("filename*")
			kind := semicolons(x.get("Content-Disposition"))[0]
			if strings.EqualFold(kind, "attachment") && !plain && !extended && path.Ext(x.target.Path) == "" {
				report(of("Content-Disposition"), x.target.Path)
			}
		},
	},
	{
		ID: "disposition-name-unquoted", Severity: Bad,
		Sentence: "the name of the file has characters that need quotes, so browsers cut it short",
		Clause:   "RFC 6266 §4.1", Remedy: "write the name in quotes",
		Fires:  ok200("Content-Disposition: attachment; filename=annual report.pdf"),
		Silent: ok200("Content-Disposition: attachment; filename=\"annual report.pdf\""),
		find: func(x *subject, report func(where, detail string)) {
			if name, has := x.disposition("filename"); has && !isTokenOrQuoted(name) {
				report(of("Content-Disposition"), name)
			}
		},
	},
	{
		ID: "disposition-name-path", Severity: Warn,
		Sentence: "the name of the file has a path, which browsers cut off or replace",
		Clause:   "RFC 6266 §4.3", Remedy: "send the last part of the path only",
		Fires:  ok200("Content-Disposition: attachment; filename=\"/home/me/a.txt\""),
		Silent: ok200("Content-Disposition: attachment; filename=\"a.txt\""),
		find: func(x *subject, report func(where, detail string)) {
			if name, has := x.disposition("filename"); has && strings.Contains(name, "/") {
				report(of("Content-Disposition"), name)
			}
		},
	},
	{
		ID: "disposition-name-percent", Severity: Info,
		Sentence: "the name of the file is written with percent signs, which some browsers keep as they are",
		Clause:   "RFC 6266", Remedy: "send filename* for names beyond ASCII, and plain spaces in quotes",
		Fires:  ok200("Content-Disposition: attachment; filename=\"annual%20report.pdf\""),
		Silent: ok200("Content-Disposition: attachment; filename=\"a.pdf\"; filename*=UTF-8''%E2%82%AC.pdf"),
		find: func(x *subject, report func(where, detail string)) {
			if name, has := x.disposition("filename"); has && percentEncoded(name) {
				report(of("Content-Disposition"), name)
			}
		},
	},
	{
		ID: "disposition-name-extended-malformed", Severity: Warn,
		Sentence: "filename* is not written as its grammar has it, so browsers take filename or the address",
		Clause:   "RFC 8187 §3.2", Remedy: "write UTF-8'' and percent signs, without quotes around it",
		Fires:  ok200("Content-Disposition: attachment; filename*=\"UTF-8''a.pdf\""),
		Silent: ok200("Content-Disposition: attachment; filename=a.pdf; filename*=UTF-8''a%20b.pdf"),
		find: func(x *subject, report func(where, detail string)) {
			name, has := x.disposition("filename*")
			parts := strings.SplitN(name, "'", 3)
			if has && (len(parts) != 3 || !strings.EqualFold(parts[0], "UTF-8") || strings.ContainsAny(parts[2], "\"' ")) {
				report(of("Content-Disposition"), name)
			}
		},
	},
	{
		ID: "disposition-name-extended-alone", Severity: Info,
		Sentence: "filename* stands alone, and old clients do not know it",
		Clause:   "RFC 6266 §4.3", Remedy: "send filename with an ASCII name before it",
		Fires:  ok200("Content-Disposition: attachment; filename*=UTF-8''a%20b.pdf"),
		Silent: ok200("Content-Disposition: attachment; filename=a.pdf; filename*=UTF-8''a%20b.pdf"),
		find: func(x *subject, report func(where, detail string)) {
			_, plain := x.disposition("filename")
			if name, has := x.disposition("filename*"); has && !plain {
				report(of("Content-Disposition"), name)
			}
		},
	},
}

// disposition returns a parameter of Content-Disposition as it is written.
func (s *subject) disposition(name string) (value string, has bool) {
	for _, part := range semicolons(s.get("Content-Disposition"))[1:] {
		if key, value, ok := strings.Cut(part, "="); ok && strings.EqualFold(strings.TrimSpace(key), name) {
			return strings.TrimSpace(value), true
		}
	}
	return "", false
}

// percentEncoded reports whether s has a percent sign with two hexadecimal
// digits.
func percentEncoded(s string) bool {
	for i := 0; i+2 < len(s); i++ {
		if s[i] == '%' && isHexDigit(s[i+1]) && isHexDigit(s[i+2]) {
			return true
		}
	}
	return false
}

func isHexDigit(c byte) bool {
	return '0' <= c && c <= '9' || 'a' <= c && c <= 'f' || 'A' <= c && c <= 'F'
}
