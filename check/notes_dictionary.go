package check

import (
	"fmt"
	"net/url"
	"slices"
	"strings"

	"freshet/internal/field"
)

const useAsDictionary = "Use-As-Dictionary"

// dictionary returns a member of Use-As-Dictionary, nil if there is none.
func (s *subject) dictionary(key string) *sfMember { return sfFind(s.sf(useAsDictionary), key) }

// dictionaryCoding returns the coding of the answer that needs a dictionary, ""
// if it has none.
func (s *subject) dictionaryCoding() string {
	for _, coding := range s.list("Content-Encoding") {
		if coding = strings.ToLower(coding); coding == "dcb" || coding == "dcz" {
			return coding
		}
	}
	return ""
}

// dictionaryNotes are about compression with earlier answers as dictionaries
// (RFC 9842).
var dictionaryNotes = []Note{
	{
		ID: "dictionary-without-match", Severity: Bad,
		Sentence: "Use-As-Dictionary does not say for which URLs (match), and clients ignore it",
		Clause:   "RFC 9842 §2.1.1", Remedy: `add match, as in match="/app/*.js"`,
		Fires:  Example{Request: "GET https://example.com/app.js", Response: "HTTP/1.1 200 OK\nCache-Control: max-age=600\nUse-As-Dictionary: id=\"a\"\n\n"},
		Silent: Example{Request: "GET https://example.com/app.js", Response: "HTTP/1.1 200 OK\nCache-Control: max-age=600\nUse-As-Dictionary: match=\"/*.js\"\n\n"},
		find: func(x *subject, report func(where, detail string)) {
			if m := x.dictionary("match"); x.sf(useAsDictionary) != nil && (m == nil || m.Text == "") {
				report(of(useAsDictionary), "")
			}
		},
	},
	{
		ID: "dictionary-match-foreign", Severity: Bad, Relates: true,
		Sentence: "match names another origin than that of the answer, and clients ignore the dictionary",
		Clause:   "RFC 9842 §2.1.1", Remedy: "name paths of the same origin",
		Fires:  Example{Request: "GET https://example.com/app.js", Response: "HTTP/1.1 200 OK\nCache-Control: max-age=600\nUse-As-Dictionary: match=\"https://cdn.example/*\"\n\n"},
		Silent: Example{Request: "GET https://example.com/app.js", Response: "HTTP/1.1 200 OK\nCache-Control: max-age=600\nUse-As-Dictionary: match=\"https://example.com/*\"\n\n"},
		find: func(x *subject, report func(where, detail string)) {
			m := x.dictionary("match")
			if m == nil || m.Kind != field.String {
				return
			}
			u, err := url.Parse(strings.ReplaceAll(m.Text, "*", "x"))
			if err == nil && u.Host != "" && x.target.Host != "" && (u.Scheme != x.target.Scheme || !strings.EqualFold(u.Host, x.target.Host)) {
				report(of(useAsDictionary), m.Text)
			}
		},
	},
	{
		ID: "dictionary-match-regexp", Severity: Bad,
		Sentence: "match has a group of a regular expression, which it must not, and clients ignore the dictionary",
		Clause:   "RFC 9842 §2.1.1", Remedy: "use * alone",
		Fires:  Example{Request: "GET https://example.com/app.js", Response: "HTTP/1.1 200 OK\nCache-Control: max-age=600\nUse-As-Dictionary: match=\"/app-(\\\\d+).js\"\n\n"},
		Silent: Example{Request: "GET https://example.com/app.js", Response: "HTTP/1.1 200 OK\nCache-Control: max-age=600\nUse-As-Dictionary: match=\"/app-*.js\"\n\n"},
		find: func(x *subject, report func(where, detail string)) {
			if m := x.dictionary("match"); m != nil && strings.Contains(strings.ReplaceAll(m.Text, `\(`, ""), "(") {
				report(of(useAsDictionary), m.Text)
			}
		},
	},
	{
		ID: "dictionary-match-dest", Severity: Warn,
		Sentence: "match-dest of a dictionary names something that requests are never for",
		Clause:   "RFC 9842 §2.1.2", Remedy: `write destinations in quotes, as in match-dest=("script" "document")`,
		Fires:  Example{Request: "GET https://example.com/app.js", Response: "HTTP/1.1 200 OK\nCache-Control: max-age=600\nUse-As-Dictionary: match=\"/*\", match-dest=(script \"html\")\n\n"},
		Silent: Example{Request: "GET https://example.com/app.js", Response: "HTTP/1.1 200 OK\nCache-Control: max-age=600\nUse-As-Dictionary: match=\"/*\", match-dest=(\"script\" \"document\" \"\")\n\n"},
		find: func(x *subject, report func(where, detail string)) {
			m := x.dictionary("match-dest")
			if m == nil || m.Kind != field.Inner {
				return
			}
			for _, dest := range m.List {
				if dest.Kind != field.String || dest.Text != "" && !slices.Contains(preloadTypes, dest.Text) {
					report(of(useAsDictionary), dest.Text)
				}
			}
		},
	},
	{
		ID: "dictionary-id-long", Severity: Bad,
		Sentence: "the name of a dictionary (id) has more than 1024 characters",
		Clause:   "RFC 9842 §2.1.3", Remedy: "shorten it",
		Fires:  Example{Request: "GET https://example.com/app.js", Response: "HTTP/1.1 200 OK\nCache-Control: max-age=600\nUse-As-Dictionary: match=\"/*\", id=\"" + strings.Repeat("i", 1025) + "\"\n\n"},
		Silent: Example{Request: "GET https://example.com/app.js", Response: "HTTP/1.1 200 OK\nCache-Control: max-age=600\nUse-As-Dictionary: match=\"/*\", id=\"" + strings.Repeat("i", 1024) + "\"\n\n"},
		find: func(x *subject, report func(where, detail string)) {
			const longest = 1024
			if m := x.dictionary("id"); m != nil && len(m.Text) > longest {
				report(of(useAsDictionary), fmt.Sprintf("%d", len(m.Text)))
			}
		},
	},
	{
		ID: "dictionary-type-unknown", Severity: Warn,
		Sentence: "a dictionary is of a type that is not raw, and clients ignore it",
		Clause:   "RFC 9842 §2.1.4", Remedy: "leave type out",
		Fires:  Example{Request: "GET https://example.com/app.js", Response: "HTTP/1.1 200 OK\nCache-Control: max-age=600\nUse-As-Dictionary: match=\"/*\", type=zstd\n\n"},
		Silent: Example{Request: "GET https://example.com/app.js", Response: "HTTP/1.1 200 OK\nCache-Control: max-age=600\nUse-As-Dictionary: match=\"/*\", type=raw\n\n"},
		find: func(x *subject, report func(where, detail string)) {
			if m := x.dictionary("type"); m != nil && m.Text != "raw" {
				report(of(useAsDictionary), m.Text)
			}
		},
	},
	{
		ID: "dictionary-over-http", Severity: Warn, Relates: true,
		Sentence: "a dictionary comes over http, where browsers do not use dictionaries",
		Clause:   "", Remedy: "send it over https",
		Fires:  Example{Request: "GET http://example.com/app.js", Response: "HTTP/1.1 200 OK\nCache-Control: max-age=600\nUse-As-Dictionary: match=\"/*\"\n\n"},
		Silent: Example{Request: "GET https://example.com/app.js", Response: "HTTP/1.1 200 OK\nCache-Control: max-age=600\nUse-As-Dictionary: match=\"/*\"\n\n"},
		find: func(x *subject, report func(where, detail string)) {
			if x.has(useAsDictionary) && !x.trustworthy() {
				report(of(useAsDictionary), "")
			}
		},
	},
	{
		ID: "dictionary-not-kept", Severity: Warn, Relates: true,
		Sentence: "the answer is to be a dictionary, but clients may not keep it fresh, so it never is one",
		Clause:   "RFC 9842 §2.2.1", Remedy: "send Cache-Control: max-age",
		Fires:  Example{Request: "GET https://example.com/app.js", Response: "HTTP/1.1 200 OK\nCache-Control: no-store\nUse-As-Dictionary: match=\"/*\"\n\n"},
		Silent: Example{Request: "GET https://example.com/app.js", Response: "HTTP/1.1 200 OK\nCache-Control: max-age=600\nUse-As-Dictionary: match=\"/*\"\n\n"},
		find: func(x *subject, report func(where, detail string)) {
			t := &x.private.Terms
			stale := t.Lifetime <= t.InitialAge && t.WhileRevalidate <= 0
			if x.has(useAsDictionary) && x.Method == "GET" && x.class() == 2 && (!x.private.Store || stale) {
				report(of(useAsDictionary), "")
			}
		},
	},
	{
		ID: "dictionary-coding-without-vary", Severity: Bad, Relates: true,
		Sentence: "the answer is coded with a dictionary, but Vary does not say so, and caches give it to clients without the dictionary",
		Clause:   "RFC 9842 §6.2", Remedy: "send Vary: Accept-Encoding, Available-Dictionary",
		Fires: Example{Request: "GET https://example.com/app.js\nAccept-Encoding: dcb\nAvailable-Dictionary: :47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=:",
			Response: "HTTP/1.1 200 OK\nContent-Encoding: dcb\nCache-Control: max-age=600\nVary: Accept-Encoding\n\n"},
		Silent: Example{Request: "GET https://example.com/app.js\nAccept-Encoding: dcb\nAvailable-Dictionary: :47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=:",
			Response: "HTTP/1.1 200 OK\nContent-Encoding: dcb\nCache-Control: max-age=600\nVary: Accept-Encoding, Available-Dictionary\n\n"},
		find: func(x *subject, report func(where, detail string)) {
			coding := x.dictionaryCoding()
			if coding == "" || !x.private.Store {
				return
			}
			for _, name := range []string{"Accept-Encoding", "Available-Dictionary"} {
				if !x.hasToken("Vary", name) {
					report(of("Vary"), coding+" without "+name)
				}
			}
		},
	},
	{
		ID: "dictionary-coding-unasked", Severity: Bad, Relates: true,
		Sentence: "the answer is coded with a dictionary, but the request does not name one",
		Clause:   "RFC 9842 §6", Remedy: "use dcb and dcz only for requests with Available-Dictionary",
		Fires:  Example{Request: "GET https://example.com/app.js\nAccept-Encoding: dcz", Response: "HTTP/1.1 200 OK\nContent-Encoding: dcz\nCache-Control: no-store\n\n"},
		Silent: Example{Request: "GET https://example.com/app.js\nAccept-Encoding: dcz\nAvailable-Dictionary: :47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=:", Response: "HTTP/1.1 200 OK\nContent-Encoding: dcz\nCache-Control: no-store\n\n"},
		find: func(x *subject, report func(where, detail string)) {
			if coding := x.dictionaryCoding(); coding != "" && len(x.asked("Available-Dictionary")) == 0 {
				report(of("Content-Encoding"), coding)
			}
		},
	},
	{
		ID: "dictionary-hash-size", Severity: Bad,
		Sentence: "Available-Dictionary is no SHA-256: it does not have 32 bytes",
		Clause:   "RFC 9842 §2.2", Remedy: "send the SHA-256 of the dictionary's content",
		Fires:  Example{Request: "GET https://example.com/app.js\nAvailable-Dictionary: :aGVsbG8=:", Response: "HTTP/1.1 200 OK\n\n"},
		Silent: Example{Request: "GET https://example.com/app.js\nAvailable-Dictionary: :47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=:", Response: "HTTP/1.1 200 OK\n\n"},
		find: func(x *subject, report func(where, detail string)) {
			const sha256Bytes = 32
			if m := x.sfAsked("Available-Dictionary"); len(m) == 1 && m[0].Kind == field.Bytes && len(m[0].Text) != sha256Bytes {
				report(ofRequest("Available-Dictionary"), fmt.Sprintf("%d bytes", len(m[0].Text)))
			}
		},
	},
	{
		ID: "dictionary-not-offered", Severity: Warn, Relates: true,
		Sentence: "the request names a dictionary, but accepts no coding that uses one",
		Clause:   "RFC 9842 §6.1", Remedy: "add dcb or dcz to Accept-Encoding",
		Fires:  Example{Request: "GET https://example.com/app.js\nAccept-Encoding: gzip\nAvailable-Dictionary: :47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=:", Response: "HTTP/1.1 200 OK\n\n"},
		Silent: Example{Request: "GET https://example.com/app.js\nAccept-Encoding: gzip, dcz;q=0.9\nAvailable-Dictionary: :47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=:", Response: "HTTP/1.1 200 OK\n\n"},
		find: func(x *subject, report func(where, detail string)) {
			if len(x.asked("Available-Dictionary")) == 0 {
				return
			}
			for _, elem := range x.askedList("Accept-Encoding") {
				coding, _, _ := strings.Cut(elem, ";")
				if coding = trimSpace(coding); anyFold([]string{"dcb", "dcz"}, coding) {
					return
				}
			}
			report(ofRequest("Available-Dictionary"), "")
		},
	},
	{
		ID: "dictionary-id-alone", Severity: Warn, Relates: true,
		Sentence: "the request names the dictionary that it has, but does not send its hash",
		Clause:   "RFC 9842 §2.3", Remedy: "send Available-Dictionary too",
		Fires:  Example{Request: "GET https://example.com/app.js\nDictionary-ID: \"a\"", Response: "HTTP/1.1 200 OK\n\n"},
		Silent: Example{Request: "GET https://example.com/app.js\nDictionary-ID: \"a\"\nAvailable-Dictionary: :47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=:", Response: "HTTP/1.1 200 OK\n\n"},
		find: func(x *subject, report func(where, detail string)) {
			if len(x.asked("Dictionary-ID")) > 0 && len(x.asked("Available-Dictionary")) == 0 {
				report(ofRequest("Dictionary-ID"), "")
			}
		},
	},
	{
		ID: "no-vary-search-contradicts", Severity: Bad,
		Sentence: "No-Vary-Search names parameters that do not count, and parameters that alone do, and clients ignore all of it",
		Clause:   "draft-ietf-httpbis-no-vary-search §3", Remedy: "keep params or except",
		Fires:  Example{Response: "HTTP/1.1 200 OK\nNo-Vary-Search: params=(\"utm_source\"), except=(\"id\")\n\n"},
		Silent: Example{Response: "HTTP/1.1 200 OK\nNo-Vary-Search: except=(\"id\")\n\n"},
		find: func(x *subject, report func(where, detail string)) {
			all := x.sf("No-Vary-Search")
			if params := sfFind(all, "params"); sfFind(all, "except") != nil && params != nil && params.Kind == field.Inner {
				report(of("No-Vary-Search"), x.get("No-Vary-Search"))
			}
		},
	},
	{
		ID: "no-vary-search-older-form", Severity: Info,
		Sentence: "No-Vary-Search says params without names, as an earlier draft had it, and newer clients ignore all of it",
		Clause:   "draft-ietf-httpbis-no-vary-search §3", Remedy: "write except alone for those that count",
		Fires:  Example{Response: "HTTP/1.1 200 OK\nNo-Vary-Search: params, except=(\"id\")\n\n"},
		Silent: Example{Response: "HTTP/1.1 200 OK\nNo-Vary-Search: params=(\"utm_source\")\n\n"},
		find: func(x *subject, report func(where, detail string)) {
			if m := sfFind(x.sf("No-Vary-Search"), "params"); m != nil && m.Kind == field.Boolean {
				report(of("No-Vary-Search"), x.get("No-Vary-Search"))
			}
		},
	},
	{
		ID: "no-vary-search-key-unknown", Severity: Warn,
		Sentence: "No-Vary-Search has a key that it does not define, and clients ignore it",
		Clause:   "draft-ietf-httpbis-no-vary-search §3", Remedy: "write key-order, params and except",
		Fires:  Example{Response: "HTTP/1.1 200 OK\nNo-Vary-Search: param=(\"utm_source\")\n\n"},
		Silent: Example{Response: "HTTP/1.1 200 OK\nNo-Vary-Search: params=(\"utm_source\"), key-order\n\n"},
		find: func(x *subject, report func(where, detail string)) {
			for _, m := range x.sf("No-Vary-Search") {
				if !slices.Contains([]string{"key-order", "params", "except"}, m.Key) {
					report(of("No-Vary-Search"), m.Key)
				}
			}
		},
	},
}
