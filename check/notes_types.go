package check

import (
	"bytes"
	"net/http"
	"path"
	"strings"
	"unicode/utf8"
)

// typeNotes are about Content-Type.
var typeNotes = []Note{
	{
		ID: "type-missing", Severity: Warn,
		Sentence: "nothing says what the body is, so each recipient guesses",
		Clause:   "RFC 9110 §8.3", Remedy: "send Content-Type",
		Fires:  ok200("Cache-Control: no-store", "", "hello"),
		Silent: ok200("Cache-Control: no-store", "Content-Type: text/plain", "", "hello"),
		find: func(x *subject, report func(where, detail string)) {
			if x.hasBody() && !x.has("Content-Type") && x.class() != 3 {
				report("the answer", "")
			}
		},
	},
	{
		ID: "type-malformed", Severity: Bad,
		Sentence: "Content-Type is no media type, so each recipient guesses",
		Clause:   "RFC 9110 §8.3.1", Remedy: "write it as in text/html; charset=utf-8",
		Fires:  ok200("Content-Type: html"),
		Silent: ok200("Content-Type: text/html; charset=utf-8"),
		find: func(x *subject, report func(where, detail string)) {
			for _, line := range x.lines("Content-Type") {
				if line != "" && !isMediaType(line) {
					report(of("Content-Type"), line)
				}
			}
		},
	},
	{
		ID: "type-without-charset", Severity: Warn,
		Sentence: "nothing says in which character set the text is, and it has letters beyond ASCII",
		Clause:   "RFC 9110 §8.3.2", Remedy: "add charset=utf-8 to Content-Type",
		Fires:  ok200("Content-Type: text/html", "", "<p>Grüße"),
		Silent: ok200("Content-Type: text/html", "", "<meta charset=utf-8><p>Grüße"),
		find: func(x *subject, report func(where, detail string)) {
			// Other texts are UTF-8 by themselves, or have the character set of the
			// page that uses them.
			if !anyFold([]string{"text/html", "text/plain", "text/markdown"}, x.mediaType) || x.mediaArgs["charset"] != "" {
				return
			}
			if text, ok := x.plainBody(); ok && !statesCharset(text) && bytes.ContainsFunc(text, func(r rune) bool { return r >= 0x80 }) {
				report(of("Content-Type"), x.get("Content-Type"))
			}
		},
	},
	{
		ID: "type-charset-untrue", Severity: Warn,
		Sentence: "the text is said to be UTF-8, and has bytes that are not",
		Clause:   "RFC 9110 §8.3.2", Remedy: "name the character set that the text is in, or better change the text",
		Fires:  ok200("Content-Type: text/plain; charset=utf-8", "", "Gr\xfc\xdfe, und mehr"),
		Silent: ok200("Content-Type: text/plain; charset=utf-8", "", "Grüße, und mehr"),
		find: func(x *subject, report func(where, detail string)) {
			text, ok := x.plainBody()
			if !ok || !strings.EqualFold(x.mediaArgs["charset"], "utf-8") || !strings.HasPrefix(x.mediaType, "text/") {
				return
			}
			if int64(len(text)) != x.BodySize { // what was kept may end inside of a letter
				text = text[:max(len(text)-utf8.UTFMax, 0)]
				for len(text) > 0 && text[len(text)-1] >= utf8.RuneSelf {
					text = text[:len(text)-1]
				}
			}
			if !utf8.Valid(text) {
				report(of("Content-Type"), x.get("Content-Type"))
			}
		},
	},
	{
		ID: "type-charset-unknown", Severity: Warn,
		Sentence: "the character set is one that browsers do not know",
		Clause:   "RFC 9110 §8.3.2", Remedy: "write charset=utf-8",
		Fires:  ok200("Content-Type: text/html; charset=utf8mb4"),
		Silent: ok200("Content-Type: text/html; charset=UTF-8"),
		find: func(x *subject, report func(where, detail string)) {
			if charset := x.mediaArgs["charset"]; charset != "" && !knownCharset(charset) {
				report(of("Content-Type"), charset)
			}
		},
	},
	{
		ID: "type-charset-old", Severity: Info,
		Sentence: "the character set is not UTF-8, the only one in which all texts can be written",
		Clause:   "HTML", Remedy: "write the text in UTF-8",
		Fires:  ok200("Content-Type: text/html; charset=iso-8859-1"),
		Silent: ok200("Content-Type: text/html; charset=utf-8"),
		find: func(x *subject, report func(where, detail string)) {
			charset := strings.ToLower(x.mediaArgs["charset"])
			if strings.HasPrefix(x.mediaType, "text/") && knownCharset(charset) && charset != "" && charset != "utf-8" && charset != "utf8" && charset != "us-ascii" {
				report(of("Content-Type"), charset)
			}
		},
	},
	{
		ID: "type-charset-contradicted", Severity: Warn,
		Sentence: "the page itself names another character set than Content-Type, which counts",
		Clause:   "HTML", Remedy: "name the same one in both",
		Fires:  ok200("Content-Type: text/html; charset=iso-8859-1", "", "<meta charset=\"utf-8\"><p>hello"),
		Silent: ok200("Content-Type: text/html; charset=utf-8", "", "<meta charset=\"UTF-8\"><p>hello"),
		find: func(x *subject, report func(where, detail string)) {
			text, ok := x.plainBody()
			header := strings.ToLower(x.mediaArgs["charset"])
			if meta := metaCharset(text); ok && x.mediaType == "text/html" && header != "" && meta != "" && meta != header && meta+header != "utf8utf-8" && meta+header != "utf-8utf8" {
				report(of("Content-Type"), header+", the page says "+meta)
			}
		},
	},
	{
		ID: "type-json-charset", Severity: Info,
		Sentence: "JSON has no character set but UTF-8, so the parameter means nothing",
		Clause:   "RFC 8259 §11", Remedy: "leave charset out",
		Fires:  ok200("Content-Type: application/json; charset=utf-8"),
		Silent: ok200("Content-Type: application/json"),
		find: func(x *subject, report func(where, detail string)) {
			if charset := x.mediaArgs["charset"]; charset != "" && (x.mediaType == "application/json" || strings.HasSuffix(x.mediaType, "+json")) {
				report(of("Content-Type"), charset)
			}
		},
	},
	{
		ID: "type-old-name", Severity: Info,
		Sentence: "the type has an old or made-up name",
		Clause:   "RFC 6838", Remedy: "write the registered name",
		Fires:  ok200("Content-Type: application/x-javascript"),
		Silent: ok200("Content-Type: text/javascript"),
		find: func(x *subject, report func(where, detail string)) {
			if name := oldTypes[x.mediaType]; name != "" {
				report(of("Content-Type"), x.mediaType+" is "+name)
			}
		},
	},
	{
		ID: "type-contradicts-body", Severity: Warn,
		Sentence: "the body does not begin as one of its type does",
		Clause:   "RFC 9110 §8.3", Remedy: "correct Content-Type; look whether an error page was sent with the type of what was asked for",
		Fires:  ok200("Content-Type: image/png", "", "<!DOCTYPE html><title>x</title>"),
		Silent: ok200("Content-Type: image/png", "", "\x89PNG\x0d\x0a\x1a\x0a...."),
		find: func(x *subject, report func(where, detail string)) {
			body, ok := x.plainBody()
			if !ok || x.mediaType == "" {
				return
			}
			if looks := looksLike(body); looks != "" && typeContradicts(x.mediaType, looks) {
				report(of("Content-Type"), x.mediaType+", it looks like "+looks)
			}
		},
	},
	{
		ID: "type-unfit-for-name", Severity: Info, Relates: true,
		Sentence: "the name that was asked for ends like another type, and browsers refuse scripts, styles and modules of a wrong one",
		Clause:   "Fetch", Remedy: "correct the type; look whether an error page was sent as 200",
		Fires:  ok200("Content-Type: text/html; charset=utf-8").asked("GET /app.js HTTP/1.1"),
		Silent: ok200("Content-Type: text/javascript; charset=utf-8").asked("GET /app.js HTTP/1.1"),
		find: func(x *subject, report func(where, detail string)) {
			ending := strings.ToLower(path.Ext(x.target.Path))
			want := typesByEnding[ending]
			if x.Status == 200 && want != nil && x.mediaType != "" && !anyFold(want, x.mediaType) {
				report(of("Content-Type"), x.mediaType+" for "+ending)
			}
		},
	},
	{
		ID: "type-multipart-without-boundary", Severity: Bad,
		Sentence: "the type is multipart, and does not say what separates the parts",
		Clause:   "RFC 9110 §8.3.3", Remedy: "add the boundary to Content-Type",
		Fires:  ok200("Content-Type: multipart/mixed"),
		Silent: ok200("Content-Type: multipart/mixed; boundary=x"),
		find: func(x *subject, report func(where, detail string)) {
			if strings.HasPrefix(x.mediaType, "multipart/") && x.mediaArgs["boundary"] == "" {
				report(of("Content-Type"), x.get("Content-Type"))
			}
		},
	},
	{
		ID: "type-problem-with-success", Severity: Warn,
		Sentence: "the body describes a problem, and the status code says that there was none",
		Clause:   "RFC 9457 §3", Remedy: "send a status code of an error",
		Fires:  ok200("Content-Type: application/problem+json"),
		Silent: answered("400 Bad Request", "Content-Type: application/problem+json"),
		find: func(x *subject, report func(where, detail string)) {
			if x.class() == 2 && (x.mediaType == "application/problem+json" || x.mediaType == "application/problem+xml") {
				report(of("Content-Type"), x.mediaType)
			}
		},
	},
	{
		ID: "type-events-stored", Severity: Warn, Relates: true,
		Sentence: "a stream of events may be stored and sent again",
		Clause:   "HTML", Remedy: "send Cache-Control: no-store with it",
		Fires:  ok200("Content-Type: text/event-stream", "Cache-Control: max-age=60"),
		Silent: ok200("Content-Type: text/event-stream", "Cache-Control: no-store"),
		find: func(x *subject, report func(where, detail string)) {
			if x.mediaType == "text/event-stream" && x.private.Store && x.private.Terms.Lifetime > 0 && !x.private.Terms.NoCache {
				report(of("Content-Type"), x.get("Cache-Control"))
			}
		},
	},
}

// oldTypes are names of types that have another one now.
var oldTypes = map[string]string{
	"application/javascript": "text/javascript", "application/x-javascript": "text/javascript", "text/x-javascript": "text/javascript",
	"application/ecmascript": "text/javascript", "text/ecmascript": "text/javascript", "text/jscript": "text/javascript",
	"application/x-json": "application/json", "text/json": "application/json", "text/x-json": "application/json",
	"image/jpg": "image/jpeg", "image/pjpeg": "image/jpeg", "image/x-png": "image/png", "image/svg": "image/svg+xml",
	"application/font-woff": "font/woff", "application/x-font-woff": "font/woff", "application/font-woff2": "font/woff2", "application/x-font-ttf": "font/ttf",
	"application/x-gzip": "application/gzip", "audio/mp3": "audio/mpeg", "audio/x-wav": "audio/wav", "text/x-component": "nothing that browsers know any more",
}

// typesByEnding are the types that files with an ending may have, where a wrong
// one does harm.
var typesByEnding = map[string][]string{
	".js":   {"text/javascript", "application/javascript", "application/x-javascript", "application/ecmascript", "text/ecmascript"},
	".mjs":  {"text/javascript", "application/javascript"},
	".css":  {"text/css"},
	".svg":  {"image/svg+xml"},
	".wasm": {"application/wasm"},
}

// plainBody returns what there is of the body, if it has no coding and begins at
// its beginning.
func (s *subject) plainBody() ([]byte, bool) {
	return s.Body, len(s.Body) > 0 && !s.has("Content-Encoding") && s.Status != 206 && !s.bodiless()
}

// statesCharset reports whether a text says itself in which character set it is:
// by a byte order mark, or in its first kilobyte.
func statesCharset(text []byte) bool {
	for _, mark := range []string{"\xef\xbb\xbf", "\xfe\xff", "\xff\xfe", "@charset \""} {
		if bytes.HasPrefix(text, []byte(mark)) {
			return true
		}
	}
	head := bytes.ToLower(text[:min(len(text), 1024)])
	return metaCharset(text) != "" || bytes.Contains(head, []byte("<?xml"))
}

// metaCharset returns the character set that a page names in its first kilobyte,
// in lower case; "" when it names none.
func metaCharset(text []byte) string {
	head := bytes.ToLower(text[:min(len(text), 1024)])
	for {
		_, rest, found := bytes.Cut(head, []byte("<meta"))
		if !found {
			return ""
		}
		tag, _, _ := bytes.Cut(rest, []byte(">"))
		if _, value, ok := bytes.Cut(tag, []byte("charset=")); ok {
			value = bytes.TrimLeft(value, "\"' ")
			if i := bytes.IndexAny(value, "\"'; />"); i >= 0 {
				value = value[:i]
			}
			return string(value)
		}
		head = rest
	}
}

// knownCharset knows the labels of common character sets of the Encoding
// standard.
func knownCharset(label string) bool {
	label = strings.ToLower(label)
	for _, prefix := range []string{"iso-8859-", "windows-125", "koi8-", "euc-", "iso-2022-", "gb", "utf-16", "cp125", "shift", "x-"} {
		if strings.HasPrefix(label, prefix) {
			return true
		}
	}
	return anyFold([]string{"utf-8", "utf8", "us-ascii", "ascii", "latin1", "big5", "macintosh", "windows-874", "ibm866", "sjis", "ms_kanji", "utf-32"}, label)
}

// looksLike returns the type whose mark a body begins with, "" if it has none
// that is sure.
func looksLike(body []byte) string {
	kind, _, _ := strings.Cut(http.DetectContentType(body), ";")
	switch kind {
	case "image/png", "image/jpeg", "image/gif", "image/webp", "application/pdf", "text/html", "font/woff", "font/woff2":
		return kind
	}
	return ""
}

// typeContradicts reports whether a body that looks like one type can have been
// meant for no such type as it claims.
func typeContradicts(claimed, looks string) bool {
	group, _, _ := strings.Cut(claimed, "/")
	other, _, _ := strings.Cut(looks, "/")
	switch {
	case claimed == looks, claimed == "application/octet-stream", group == "multipart":
		return false
	case looks == "text/html": // which texts of many types can begin like
		return group == "image" && claimed != "image/svg+xml" || group == "font" || group == "video" || group == "audio" ||
			claimed == "application/json" || claimed == "text/css" || claimed == "text/javascript" || claimed == "application/javascript" || claimed == "application/pdf"
	case group == other: // JPEG sent as PNG: browsers look at the mark
		return false
	}
	return group == "text" || group == "image" || group == "font" || claimed == "application/json" || claimed == "application/javascript"
}
