package check

import (
	"encoding/base64"
	"fmt"

	"freshet/internal/field"
)

const (
	// SHA-256 of "hello", and of nothing.
	helloDigest = "sha-256=:LPJNul+wow4m6DsqxbninhsWHlwfp0JecwQzYpOLmCQ=:"
	emptyDigest = "sha-256=:47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=:"
)

// digestNotes are about digests (RFC 9530).
var digestNotes = []Note{
	{
		ID: "content-digest-differs", Severity: Bad, Relates: true,
		Sentence: "Content-Digest is not that of the content",
		Clause:   "RFC 9530 §2", Remedy: "compute it over the bytes that are sent, after content coding",
		Fires:  Example{Response: "HTTP/1.1 200 OK\nContent-Digest: " + emptyDigest + "\n\nhello"},
		Silent: Example{Response: "HTTP/1.1 200 OK\nContent-Digest: " + helloDigest + "\n\nhello"},
		find:   digestMismatch("Content-Digest", (*subject).whole),
	},
	{
		ID: "repr-digest-differs", Severity: Bad, Relates: true,
		Sentence: "Repr-Digest is not that of the representation, all of which the answer has",
		Clause:   "RFC 9530 §3", Remedy: "compute it over the whole representation, after content coding",
		Fires:  Example{Response: "HTTP/1.1 200 OK\nRepr-Digest: " + emptyDigest + "\n\nhello"},
		Silent: Example{Response: "HTTP/1.1 206 Partial Content\nContent-Range: bytes 0-4/9\nRepr-Digest: " + emptyDigest + "\n\nhello"},
		find:   digestMismatch("Repr-Digest", (*subject).representation),
	},
	{
		ID: "unencoded-digest-differs", Severity: Bad, Relates: true,
		Sentence: "Unencoded-Digest is not that of the content, which has no content coding",
		Clause:   "draft-ietf-httpbis-unencoded-digest", Remedy: "compute it over the representation before content coding",
		Fires:  Example{Response: "HTTP/1.1 200 OK\nUnencoded-Digest: " + emptyDigest + "\n\nhello"},
		Silent: Example{Response: "HTTP/1.1 200 OK\nContent-Encoding: gzip\nUnencoded-Digest: " + emptyDigest + "\n\nhello"},
		find:   digestMismatch("Unencoded-Digest", (*subject).uncoded),
	},
	{
		ID: "old-digest-differs", Severity: Bad, Relates: true,
		Sentence: "Digest is not that of the representation, all of which the answer has",
		Clause:   "RFC 9530 §1.3", Remedy: "send Repr-Digest in its place, computed after content coding",
		Fires:  Example{Response: "HTTP/1.1 200 OK\nDigest: SHA-256=47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=\n\nhello"},
		Silent: Example{Response: "HTTP/1.1 200 OK\nDigest: SHA-256=LPJNul+wow4m6DsqxbninhsWHlwfp0JecwQzYpOLmCQ=\n\nhello"},
		find: func(x *subject, report func(where, detail string)) {
			if content, ok := x.representation(); ok {
				if detail, wrong := wrongDigest(x.oldDigests(), content); wrong {
					report(of("Digest"), detail)
				}
			}
		},
	},
	{
		ID: "content-md5-differs", Severity: Bad, Relates: true,
		Sentence: "Content-MD5 is not that of the content",
		Clause:   "RFC 9530 §1.3", Remedy: "send Content-Digest in its place",
		Fires:  Example{Response: "HTTP/1.1 200 OK\nContent-MD5: 1B2M2Y8AsgTpgAmY7PhCfg==\n\nhello"},
		Silent: Example{Response: "HTTP/1.1 200 OK\nContent-MD5: XUFAKrxLKna5cZ2REBfFkg==\n\nhello"},
		find: func(x *subject, report func(where, detail string)) {
			content, ok := x.whole()
			raw, err := base64.StdEncoding.DecodeString(x.get("Content-MD5"))
			if !ok || err != nil || !x.has("Content-MD5") {
				return
			}
			if detail, wrong := wrongDigest([]sfMember{{Key: "md5", Kind: field.Bytes, Text: string(raw)}}, content); wrong {
				report(of("Content-MD5"), detail)
			}
		},
	},
	{
		ID: "digest-size", Severity: Bad,
		Sentence: "a digest does not have the size of its algorithm",
		Clause:   "RFC 9530 §5", Remedy: "state the base64 of the digest itself, not of its hexadecimal form",
		Fires:  Example{Response: "HTTP/1.1 200 OK\nContent-Digest: sha-256=:NDdERVFw:\n\n"},
		Silent: Example{Response: "HTTP/1.1 200 OK\nContent-Digest: " + emptyDigest + "\n\n"},
		find: func(x *subject, report func(where, detail string)) {
			for _, name := range digestFields {
				for _, m := range x.digests(name) {
					if a := digestAlgorithms[m.Key]; a.bytes > 0 && m.Kind == field.Bytes && len(m.Text) != a.bytes {
						report(of(name), fmt.Sprintf("%s of %d bytes, not %d", m.Key, len(m.Text), a.bytes))
					}
				}
			}
		},
	},
	{
		ID: "digest-algorithm-weak", Severity: Info,
		Sentence: "a digest is made by an algorithm that protects from accidents, but not from forgers",
		Clause:   "RFC 9530 §5", Remedy: "use sha-256 or sha-512",
		Fires:  Example{Response: "HTTP/1.1 200 OK\nRepr-Digest: md5=:1B2M2Y8AsgTpgAmY7PhCfg==:\n\n"},
		Silent: Example{Response: "HTTP/1.1 200 OK\nRepr-Digest: " + emptyDigest + "\n\n"},
		find: func(x *subject, report func(where, detail string)) {
			for _, name := range digestFields {
				for _, m := range x.digests(name) {
					if digestAlgorithms[m.Key].weak {
						report(of(name), m.Key)
					}
				}
			}
		},
	},
	{
		ID: "digest-algorithm-unknown", Severity: Warn,
		Sentence: "a digest is made by an algorithm that is not registered, and recipients ignore it",
		Clause:   "RFC 9530 §5", Remedy: "use sha-256 or sha-512",
		Fires:  Example{Response: "HTTP/1.1 200 OK\nRepr-Digest: sha256=:47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=:\n\n"},
		Silent: Example{Response: "HTTP/1.1 200 OK\nRepr-Digest: " + emptyDigest + "\n\n"},
		find: func(x *subject, report func(where, detail string)) {
			for _, name := range digestFields {
				for _, m := range x.digests(name) {
					if _, ok := digestAlgorithms[m.Key]; !ok {
						report(of(name), m.Key)
					}
				}
			}
		},
	},
	{
		ID: "digests-differ", Severity: Bad, Relates: true,
		Sentence: "Content-Digest and Repr-Digest differ, although the content is the whole representation",
		Clause:   "RFC 9530 §3", Remedy: "compute both over the same bytes",
		Fires:  Example{Response: "HTTP/1.1 200 OK\nContent-Digest: " + emptyDigest + "\nRepr-Digest: " + helloDigest + "\n\n"},
		Silent: Example{Response: "HTTP/1.1 206 Partial Content\nContent-Range: bytes 5-5/6\nContent-Digest: " + emptyDigest + "\nRepr-Digest: " + helloDigest + "\n\n"},
		find: func(x *subject, report func(where, detail string)) {
			if x.Method != "GET" || x.Status != 200 {
				return
			}
			whole := x.digests("Repr-Digest")
			for _, m := range x.digests("Content-Digest") {
				if other := sfFind(whole, m.Key); other != nil && len(other.Text) == len(m.Text) && other.Text != m.Text {
					report(of("Repr-Digest"), m.Key)
				}
			}
		},
	},
	{
		ID: "digest-of-part-is-whole", Severity: Bad, Relates: true,
		Sentence: "Content-Digest of a part is the Repr-Digest of the whole, so one of them is wrong",
		Clause:   "RFC 9530 §2", Remedy: "compute Content-Digest over the part that is sent",
		Fires:  Example{Response: "HTTP/1.1 206 Partial Content\nContent-Range: bytes 0-4/9\nContent-Digest: " + helloDigest + "\nRepr-Digest: " + helloDigest + "\n\n"},
		Silent: Example{Response: "HTTP/1.1 206 Partial Content\nContent-Range: bytes 0-4/5\nContent-Digest: " + helloDigest + "\nRepr-Digest: " + helloDigest + "\n\n"},
		find: func(x *subject, report func(where, detail string)) {
			var first, last, size int64
			_, err := fmt.Sscanf(x.get("Content-Range"), "bytes %d-%d/%d", &first, &last, &size)
			if x.Status != 206 || err != nil || last-first+1 >= size {
				return
			}
			whole := x.digests("Repr-Digest")
			for _, m := range x.digests("Content-Digest") {
				if other := sfFind(whole, m.Key); other != nil && other.Text == m.Text {
					report(of("Content-Digest"), m.Key)
				}
			}
		},
	},
	{
		ID: "want-digest-weight", Severity: Warn,
		Sentence: "a preference among digests is not between 0 and 10",
		Clause:   "RFC 9530 §4", Remedy: "state 1 to 10, or 0 for what is not wanted",
		Fires:  Example{Request: "GET /\nWant-Repr-Digest: sha-256=100", Response: "HTTP/1.1 200 OK\n\n"},
		Silent: Example{Request: "GET /\nWant-Repr-Digest: sha-256=10, sha-512=0", Response: "HTTP/1.1 200 OK\n\n"},
		find: func(x *subject, report func(where, detail string)) {
			for _, name := range digestFields {
				for _, m := range x.sf("Want-" + name) {
					if m.Kind == field.Integer && (m.Int < 0 || m.Int > 10) {
						report(of("Want-"+name), m.Key)
					}
				}
				for _, m := range x.sfAsked("Want-" + name) {
					if m.Kind == field.Integer && (m.Int < 0 || m.Int > 10) {
						report(ofRequest("Want-"+name), m.Key)
					}
				}
			}
		},
	},
	{
		ID: "want-digest-unanswered", Severity: Info, Relates: true,
		Sentence: "the request asks for a digest, and the answer has none",
		Clause:   "RFC 9530 §4", Remedy: "send the digest if it can be had",
		Fires:  Example{Request: "GET /\nWant-Repr-Digest: sha-256=1", Response: "HTTP/1.1 200 OK\n\n"},
		Silent: Example{Request: "GET /\nWant-Repr-Digest: sha-256=1", Response: "HTTP/1.1 200 OK\nRepr-Digest: " + emptyDigest + "\n\n"},
		find: func(x *subject, report func(where, detail string)) {
			for _, name := range digestFields {
				wanted := false
				for _, m := range x.sfAsked("Want-" + name) {
					wanted = wanted || m.Int > 0
				}
				if wanted && x.class() == 2 && x.digests(name) == nil {
					report("the answer", "no "+name)
				}
			}
		},
	},
}
