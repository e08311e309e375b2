package check

import (
	"bytes"
	"strings"

	"freshet/internal/field"
)

// codings are the registered content codings, and their other names.
var codings = []string{"aes128gcm", "br", "compress", "dcb", "dcz", "deflate", "exi", "gzip", "pack200-gzip", "x-compress", "x-gzip", "zstd"}

// contentNotes are about what the bytes of an answer are: their coding,
// language, place and digest (RFC 9110 §8).
var contentNotes = []Note{
	{
		ID: "encoding-unknown", Severity: Bad,
		Sentence: "the content coding is not registered, so clients cannot decode the answer",
		Clause:   "RFC 9110 §8.4.1", Remedy: "send a registered coding, such as gzip; character sets belong to Content-Type",
		Fires:  ok200("Content-Encoding: utf-8"),
		Silent: ok200("Content-Encoding: gzip", "Vary: Accept-Encoding").asked("Accept-Encoding: gzip"),
		find: func(x *subject, report func(where, detail string)) {
			for _, coding := range x.list("Content-Encoding") {
				if !anyFold(codings, coding) && !strings.EqualFold(coding, "identity") {
					report(of("Content-Encoding"), coding)
				}
			}
		},
	},
	{
		ID: "encoding-identity", Severity: Warn,
		Sentence: "identity stands for no coding at all, and is for Accept-Encoding only",
		Clause:   "RFC 9110 §12.5.3", Remedy: "leave Content-Encoding out",
		Fires:  ok200("Content-Encoding: identity"),
		Silent: ok200("Content-Encoding: br", "Vary: Accept-Encoding").asked("Accept-Encoding: br"),
		find: func(x *subject, report func(where, detail string)) {
			if x.hasToken("Content-Encoding", "identity") {
				report(of("Content-Encoding"), x.get("Content-Encoding"))
			}
		},
	},
	{
		ID: "encoding-old-name", Severity: Info,
		Sentence: "the content coding has an old name, which recipients need know no more",
		Clause:   "RFC 9110 §8.4.1.3", Remedy: "write it without x-",
		Fires:  ok200("Content-Encoding: x-gzip", "Vary: Accept-Encoding").asked("Accept-Encoding: gzip"),
		Silent: ok200("Content-Encoding: gzip", "Vary: Accept-Encoding").asked("Accept-Encoding: gzip"),
		find: func(x *subject, report func(where, detail string)) {
			for _, coding := range x.list("Content-Encoding") {
				if anyFold([]string{"x-gzip", "x-compress"}, coding) {
					report(of("Content-Encoding"), coding)
				}
			}
		},
	},
	{
		ID: "encoding-not-accepted", Severity: Bad, Relates: true,
		Sentence: "the answer has a coding that the request does not accept",
		Clause:   "RFC 9110 §12.5.3", Remedy: "choose the coding by Accept-Encoding, and name that in Vary",
		Fires:  ok200("Content-Encoding: br", "Vary: Accept-Encoding").asked("Accept-Encoding: gzip"),
		Silent: ok200("Content-Encoding: br", "Vary: Accept-Encoding").asked("Accept-Encoding: gzip, br;q=0.5"),
		find: func(x *subject, report func(where, detail string)) {
			accepted := x.askedList("Accept-Encoding")
			for _, coding := range x.list("Content-Encoding") {
				if len(x.asked("Accept-Encoding")) > 0 && field.IsToken(coding) && !strings.EqualFold(coding, "identity") &&
					!acceptsCoding(accepted, coding) && !acceptsAny(accepted, coding) {
					report(of("Content-Encoding"), coding+", accepted: "+x.askedValue("Accept-Encoding"))
				}
			}
		},
	},
	{
		ID: "encoding-without-vary", Severity: Warn, Relates: true,
		Sentence: "the answer is coded, and Vary does not name Accept-Encoding, so a shared cache may give it to those who cannot decode it",
		Clause:   "RFC 9110 §12.5.5", Remedy: "send Vary: Accept-Encoding, without the coding, too",
		Fires:  ok200("Content-Encoding: gzip", "Cache-Control: max-age=60").asked("Accept-Encoding: gzip"),
		Silent: ok200("Content-Encoding: gzip", "Cache-Control: max-age=60", "Vary: Accept-Encoding").asked("Accept-Encoding: gzip"),
		find: func(x *subject, report func(where, detail string)) {
			if x.has("Content-Encoding") && x.shared.Store && !x.hasToken("Vary", "Accept-Encoding") && !x.hasToken("Content-Encoding", "identity") {
				report(of("Vary"), x.get("Content-Encoding"))
			}
		},
	},
	{
		ID: "encoding-twice", Severity: Bad,
		Sentence: "the same coding was applied twice, or the field says so by mistake",
		Clause:   "RFC 9110 §8.4", Remedy: "look for a second place that compresses, or sets the field",
		Fires:  ok200("Content-Encoding: gzip", "Content-Encoding: gzip", "Vary: Accept-Encoding").asked("Accept-Encoding: gzip"),
		Silent: ok200("Content-Encoding: gzip", "Vary: Accept-Encoding").asked("Accept-Encoding: gzip"),
		find: func(x *subject, report func(where, detail string)) {
			if list := x.list("Content-Encoding"); len(list) > 1 && anyFold(list[1:], list[0]) {
				report(of("Content-Encoding"), x.get("Content-Encoding"))
			}
		},
	},
	{
		ID: "encoding-untrue", Severity: Bad,
		Sentence: "the body does not begin as one of its coding does, so clients cannot decode it",
		Clause:   "RFC 9110 §8.4", Remedy: "leave Content-Encoding out of what is not coded",
		Fires:  ok200("Content-Encoding: gzip", "Vary: Accept-Encoding", "", "<p>hello").asked("Accept-Encoding: gzip"),
		Silent: ok200("Content-Encoding: gzip", "Vary: Accept-Encoding", "", "\x1f\x8b\x08hello").asked("Accept-Encoding: gzip"),
		find: func(x *subject, report func(where, detail string)) {
			list := x.list("Content-Encoding")
			if len(list) == 0 || len(x.Body) < 4 || x.Status == 206 {
				return
			}
			last := list[len(list)-1]
			for coding, magic := range map[string]string{"gzip": "\x1f\x8b", "x-gzip": "\x1f\x8b", "zstd": "\x28\xb5\x2f\xfd"} {
				if strings.EqualFold(last, coding) && !bytes.HasPrefix(x.Body, []byte(magic)) {
					report(of("Content-Encoding"), last)
				}
			}
		},
	},
	{
		ID: "encoding-of-empty", Severity: Info,
		Sentence: "an empty body says that it is coded, but what is empty cannot be decoded",
		Clause:   "RFC 9110 §8.4", Remedy: "leave Content-Encoding out",
		Fires:  answered("404 Not Found", "Content-Encoding: gzip", "Content-Length: 0"),
		Silent: answered("404 Not Found", "Content-Length: 0"),
		find: func(x *subject, report func(where, detail string)) {
			n, ok := x.number("Content-Length")
			if x.has("Content-Encoding") && !x.bodiless() && (x.BodySize == 0 || ok && n == 0) {
				report(of("Content-Encoding"), x.get("Content-Encoding"))
			}
		},
	},
	{
		ID: "encoding-deflate", Severity: Info,
		Sentence: "deflate means two things to clients, of which each understands at least one",
		Clause:   "RFC 9110 §8.4.1.2", Remedy: "send gzip, br or zstd",
		Fires:  ok200("Content-Encoding: deflate", "Vary: Accept-Encoding").asked("Accept-Encoding: deflate"),
		Silent: ok200("Content-Encoding: gzip", "Vary: Accept-Encoding").asked("Accept-Encoding: deflate, gzip"),
		find: func(x *subject, report func(where, detail string)) {
			if x.hasToken("Content-Encoding", "deflate") {
				report(of("Content-Encoding"), "")
			}
		},
	},
	{
		ID: "encoding-of-compressed", Severity: Info, Relates: true,
		Sentence: "the type is one that is compressed by itself, so another coding costs time and gains nothing",
		Clause:   "RFC 9110 §8.4", Remedy: "send it without Content-Encoding",
		Fires:  ok200("Content-Type: image/jpeg", "Content-Encoding: gzip", "Vary: Accept-Encoding").asked("Accept-Encoding: gzip"),
		Silent: ok200("Content-Type: image/svg+xml", "Content-Encoding: gzip", "Vary: Accept-Encoding").asked("Accept-Encoding: gzip"),
		find: func(x *subject, report func(where, detail string)) {
			if x.has("Content-Encoding") && compressedType(x.mediaType) {
				report(of("Content-Encoding"), x.mediaType)
			}
		},
	},
	{
		ID: "encoding-is-the-type", Severity: Warn, Relates: true,
		Sentence: "the archive says that gzip is its type, and its coding besides, so browsers save it unpacked under its packed name",
		Clause:   "RFC 9110 §8.4", Remedy: "leave out Content-Encoding for files that are archives themselves",
		Fires:  ok200("Content-Type: application/gzip", "Content-Encoding: gzip", "Vary: Accept-Encoding").asked("Accept-Encoding: gzip"),
		Silent: ok200("Content-Type: application/gzip"),
		find: func(x *subject, report func(where, detail string)) {
			if x.hasToken("Content-Encoding", "gzip") && anyFold([]string{"application/gzip", "application/x-gzip", "application/x-tgz", "application/x-gtar-compressed"}, x.mediaType) {
				report(of("Content-Encoding"), x.mediaType)
			}
		},
	},
	{
		ID: "language-chosen-unsaid", Severity: Info, Relates: true,
		Sentence: "the answer was chosen by language, and does not say which one it has",
		Clause:   "RFC 9110 §8.5", Remedy: "send Content-Language",
		Fires:  ok200("Vary: Accept-Language", "Cache-Control: no-cache"),
		Silent: ok200("Vary: Accept-Language", "Content-Language: de", "Cache-Control: no-cache"),
		find: func(x *subject, report func(where, detail string)) {
			if x.Status == 200 && x.hasToken("Vary", "Accept-Language") && !x.has("Content-Language") {
				report(of("Vary"), x.get("Vary"))
			}
		},
	},
	{
		ID: "language-chosen-silently", Severity: Info, Relates: true,
		Sentence: "the answer has the language that the request prefers, and Vary does not name Accept-Language, in case that is why",
		Clause:   "RFC 9110 §12.5.5", Remedy: "send Vary: Accept-Language, if the language was chosen by it",
		Fires:  ok200("Content-Language: de", "Cache-Control: max-age=60").asked("Accept-Language: de, en;q=0.5"),
		Silent: ok200("Content-Language: de", "Vary: Accept-Language", "Cache-Control: max-age=60").asked("Accept-Language: de, en;q=0.5"),
		find: func(x *subject, report func(where, detail string)) {
			if list := x.askedList("Accept-Language"); len(list) > 0 && x.sharedFresh() && !x.hasToken("Vary", "Accept-Language") {
				if name, _, ok := field.CutWeight(list[0]); ok && strings.EqualFold(name, x.get("Content-Language")) {
					report(of("Content-Language"), x.get("Content-Language"))
				}
			}
		},
	},
	{
		ID: "content-location-insecure", Severity: Warn, Relates: true,
		Sentence: "Content-Location of an https answer is an http address",
		Clause:   "RFC 9110 §8.7", Remedy: "send a path; look at what the server behind a proxy takes for its scheme",
		Fires:  ok200("Content-Location: http://example.com/a.html").asked("GET https://example.com/a HTTP/1.1"),
		Silent: ok200("Content-Location: /a.html").asked("GET https://example.com/a HTTP/1.1"),
		find: func(x *subject, report func(where, detail string)) {
			if at, ok := x.absolute(x.get("Content-Location")); ok && x.has("Content-Location") && x.secure() && at.Scheme == "http" {
				report(of("Content-Location"), x.get("Content-Location"))
			}
		},
	},
	{
		ID: "content-location-inside", Severity: Warn, Relates: true,
		Sentence: "Content-Location names a host that only the server itself, or its network, can reach",
		Clause:   "RFC 9110 §8.7", Remedy: "send a path, or the public name",
		Fires:  ok200("Content-Location: http://10.0.0.7/a.html").asked("GET http://example.com/a HTTP/1.1"),
		Silent: ok200("Content-Location: http://example.com/a.html").asked("GET http://example.com/a HTTP/1.1"),
		find: func(x *subject, report func(where, detail string)) {
			if at, ok := x.absolute(x.get("Content-Location")); ok && insideHost(at.Hostname()) && !insideHost(x.target.Hostname()) {
				report(of("Content-Location"), x.get("Content-Location"))
			}
		},
	},
	{
		ID: "charset-chosen", Severity: Info,
		Sentence: "the answer is chosen by Accept-Charset, which no browser sends any more",
		Clause:   "RFC 9110 §12.5.2", Remedy: "send UTF-8 to all, and leave it out of Vary",
		Fires:  ok200("Vary: Accept-Charset", "Cache-Control: no-cache"),
		Silent: ok200("Vary: Accept-Encoding", "Cache-Control: no-cache"),
		find: func(x *subject, report func(where, detail string)) {
			if x.hasToken("Vary", "Accept-Charset") {
				report(of("Vary"), x.get("Vary"))
			}
		},
	},
}

// acceptsAny reports whether "*" stands for a coding in a list with weights.
func acceptsAny(list []string, coding string) bool {
	all := false
	for _, elem := range list {
		name, q, ok := field.CutWeight(elem)
		switch {
		case ok && strings.EqualFold(name, coding):
			return q > 0
		case ok && name == "*" && q > 0:
			all = true
		}
	}
	return all
}

// compressedType reports whether a type is compressed by itself.
func compressedType(kind string) bool {
	switch kind {
	case "image/svg+xml", "image/bmp", "image/x-icon", "image/vnd.microsoft.icon", "audio/wav", "audio/x-wav", "audio/midi", "image/tiff":
		return false
	case "font/woff", "font/woff2", "application/zip", "application/gzip", "application/x-7z-compressed", "application/x-bzip2", "application/zstd":
		return true
	}
	return strings.HasPrefix(kind, "image/") || strings.HasPrefix(kind, "video/") || strings.HasPrefix(kind, "audio/")
}
