package check

import (
	"fmt"
	"strings"

	"freshet/internal/field"
)

// lengthNotes are about where a message ends (RFC 9112 §6, RFC 9113 §8).
var lengthNotes = []Note{
	{
		ID: "length-and-chunks", Severity: Bad, Relates: true,
		Sentence: "the answer has both Content-Length and Transfer-Encoding, by which recipients can be led to different ends of it",
		Clause:   "RFC 9112 §6.2", Remedy: "send Content-Length only when the body is not chunked",
		Fires:  ok200("Content-Length: 5", "Transfer-Encoding: chunked"),
		Silent: ok200("Transfer-Encoding: chunked"),
		find: func(x *subject, report func(where, detail string)) {
			if x.has("Content-Length") && x.has("Transfer-Encoding") {
				report(of("Content-Length"), x.get("Content-Length"))
			}
		},
	},
	{
		ID: "length-wrong", Severity: Bad,
		Sentence: "the body has another length than Content-Length says",
		Clause:   "RFC 9110 §8.6", Remedy: "look at what changes the body after its length was written, such as compression",
		Fires:  ok200("Content-Length: 10", "", "hello"),
		Silent: ok200("Content-Length: 5", "", "hello"),
		find: func(x *subject, report func(where, detail string)) {
			n, ok := x.number("Content-Length")
			if ok && !x.bodiless() && !x.has("Transfer-Encoding") && x.BodySize >= 0 && x.BodySize != n {
				report(of("Content-Length"), fmt.Sprintf("%d, %d bytes came", n, x.BodySize))
			}
		},
	},
	{
		ID: "length-without-body", Severity: Bad,
		Sentence: "an answer with this status code has no body, and must not say how long it is",
		Clause:   "RFC 9110 §8.6", Remedy: "leave Content-Length out",
		Fires:  answered("204 No Content", "Content-Length: 5"),
		Silent: answered("304 Not Modified", "Content-Length: 5", "ETag: \"a\"").asked("If-None-Match: \"a\""),
		find: func(x *subject, report func(where, detail string)) {
			if x.has("Content-Length") && x.lengthless() {
				report(of("Content-Length"), x.get("Content-Length"))
			}
		},
	},
	{
		ID: "chunks-without-body", Severity: Bad,
		Sentence: "an answer with this status code has no body, and must not say that one is coming in chunks",
		Clause:   "RFC 9112 §6.1", Remedy: "leave Transfer-Encoding out",
		Fires:  answered("204 No Content", "Transfer-Encoding: chunked"),
		Silent: answered("200 OK", "Transfer-Encoding: chunked"),
		find: func(x *subject, report func(where, detail string)) {
			if x.has("Transfer-Encoding") && x.lengthless() {
				report(of("Transfer-Encoding"), x.get("Transfer-Encoding"))
			}
		},
	},
	{
		ID: "body-unexpected", Severity: Bad,
		Sentence: "a body came where there must be none, and its bytes will be read as the next answer",
		Clause:   "RFC 9112 §6.3", Remedy: "send no body with this status code",
		Fires:  answered("304 Not Modified", "ETag: \"a\"", "", "hello").asked("If-None-Match: \"a\""),
		Silent: answered("304 Not Modified", "ETag: \"a\"").asked("If-None-Match: \"a\""),
		find: func(x *subject, report func(where, detail string)) {
			if x.bodiless() && x.BodySize > 0 && x.class() != 1 && x.Method != "CONNECT" {
				report("the body", fmt.Sprintf("%d bytes", x.BodySize))
			}
		},
	},
	{
		ID: "reset-content-with-body", Severity: Bad,
		Sentence: "205 means that there is no content, but some came",
		Clause:   "RFC 9110 §15.3.6", Remedy: "send 200, or no body",
		Fires:  answered("205 Reset Content", "", "hello"),
		Silent: answered("205 Reset Content", "Content-Length: 0"),
		find: func(x *subject, report func(where, detail string)) {
			if x.Status == 205 && x.hasBody() {
				report("the body", "")
			}
		},
	},
	{
		ID: "chunked-not-last", Severity: Bad,
		Sentence: "chunked is not the last transfer coding, so the body ends where the connection does",
		Clause:   "RFC 9112 §6.1", Remedy: "apply chunked once, after all other codings",
		Fires:  ok200("Transfer-Encoding: chunked, gzip"),
		Silent: ok200("Transfer-Encoding: gzip, chunked").asked("TE: gzip"),
		find: func(x *subject, report func(where, detail string)) {
			list := x.list("Transfer-Encoding")
			for i, elem := range list {
				if strings.EqualFold(elem, "chunked") && i < len(list)-1 {
					report(of("Transfer-Encoding"), x.get("Transfer-Encoding"))
					return
				}
			}
		},
	},
	{
		ID: "transfer-coding-unknown", Severity: Bad,
		Sentence: "the transfer coding is not registered",
		Clause:   "RFC 9112 §7", Remedy: "send chunked alone, and use Content-Encoding to compress",
		Fires:  ok200("Transfer-Encoding: identity"),
		Silent: ok200("Transfer-Encoding: chunked"),
		find: func(x *subject, report func(where, detail string)) {
			for _, elem := range x.list("Transfer-Encoding") {
				name, _, _ := strings.Cut(elem, ";")
				if !anyFold([]string{"chunked", "gzip", "x-gzip", "deflate", "compress", "x-compress"}, strings.TrimSpace(name)) {
					report(of("Transfer-Encoding"), elem)
				}
			}
		},
	},
	{
		ID: "transfer-coding-parameter", Severity: Warn,
		Sentence: "a transfer coding has a parameter, which none has, and some recipients refuse",
		Clause:   "RFC 9112 §7", Remedy: "write the name alone",
		Fires:  ok200("Transfer-Encoding: chunked;size=10"),
		Silent: ok200("Transfer-Encoding: chunked"),
		find: func(x *subject, report func(where, detail string)) {
			for _, elem := range x.list("Transfer-Encoding") {
				if strings.Contains(elem, ";") {
					report(of("Transfer-Encoding"), elem)
				}
			}
		},
	},
	{
		ID: "transfer-coding-unasked", Severity: Bad, Relates: true,
		Sentence: "the body is compressed for the transfer, which the request does not say to understand",
		Clause:   "RFC 9112 §7.4", Remedy: "compress with Content-Encoding instead",
		Fires:  ok200("Transfer-Encoding: gzip, chunked"),
		Silent: ok200("Transfer-Encoding: gzip, chunked").asked("TE: gzip"),
		find: func(x *subject, report func(where, detail string)) {
			for _, elem := range x.list("Transfer-Encoding") {
				if anyFold([]string{"gzip", "x-gzip", "deflate", "compress", "x-compress"}, elem) && !acceptsCoding(x.askedList("TE"), elem) {
					report(of("Transfer-Encoding"), elem)
				}
			}
		},
	},
	{
		ID: "chunks-before-http11", Severity: Bad,
		Sentence: "the answer is HTTP/1.0, whose recipients do not know chunks",
		Clause:   "RFC 9112 §6.1", Remedy: "send HTTP/1.1, or no Transfer-Encoding",
		Fires:  ok200("Transfer-Encoding: chunked").over("HTTP/1.0"),
		Silent: ok200("Transfer-Encoding: chunked"),
		find: func(x *subject, report func(where, detail string)) {
			if x.Proto == "HTTP/1.0" && x.has("Transfer-Encoding") {
				report(of("Transfer-Encoding"), x.get("Transfer-Encoding"))
			}
		},
	},
	{
		ID: "connection-field-over-http2", Severity: Bad,
		Sentence: "the field belongs to connections of HTTP/1, and makes an answer of HTTP/2 malformed",
		Clause:   "RFC 9113 §8.2.2", Remedy: "leave it out over HTTP/2 and HTTP/3",
		Fires:  ok200("Connection: keep-alive").over("HTTP/2"),
		Silent: ok200("Connection: keep-alive"),
		find: func(x *subject, report func(where, detail string)) {
			for _, name := range []string{"Connection", "Keep-Alive", "Proxy-Connection", "Transfer-Encoding", "Upgrade"} {
				if x.multiplexed() && x.has(name) {
					report(of(name), x.get(name))
				}
			}
		},
	},
	{
		ID: "end-by-close", Severity: Info, Relates: true,
		Sentence: "only the end of the connection tells the end of the body, so nobody notices when it was cut off",
		Clause:   "RFC 9112 §8", Remedy: "send Content-Length, or chunks",
		Fires:  ok200("Connection: close", "Content-Type: text/plain", "", "hello"),
		Silent: ok200("Connection: close", "Content-Type: text/plain", "Content-Length: 5", "", "hello"),
		find: func(x *subject, report func(where, detail string)) {
			closes := x.hasToken("Connection", "close") || x.Proto == "HTTP/1.0"
			if closes && !x.multiplexed() && !x.bodiless() && !x.has("Content-Length") && !x.has("Transfer-Encoding") {
				report("the body", "")
			}
		},
	},
	{
		ID: "trailer-without-chunks", Severity: Warn, Relates: true,
		Sentence: "Trailer announces fields behind the body, but only a chunked body can have some",
		Clause:   "RFC 9112 §7.1.2", Remedy: "send the body in chunks, or the fields in the head",
		Fires:  ok200("Trailer: Server-Timing", "Content-Length: 5", "", "hello"),
		Silent: ok200("Trailer: Server-Timing", "Transfer-Encoding: chunked", "", "hello"),
		find: func(x *subject, report func(where, detail string)) {
			if x.has("Trailer") && x.has("Content-Length") && !x.multiplexed() {
				report(of("Trailer"), x.get("Trailer"))
			}
		},
	},
}

// acceptsCoding reports whether a list with weights names a coding, and not with
// the weight 0.
func acceptsCoding(list []string, coding string) bool {
	for _, elem := range list {
		if name, q, ok := field.CutWeight(elem); ok && q > 0 && strings.EqualFold(strings.TrimPrefix(name, "x-"), strings.TrimPrefix(coding, "x-")) {
			return true
		}
	}
	return false
}
