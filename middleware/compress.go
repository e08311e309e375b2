package middleware

import (
	"net/http"
	"strings"

	"freshet/internal/coding"
	"freshet/internal/field"
	"freshet/internal/rule"
)

// CompressOptions are the options of [Compress]; the zero value is the default.
type CompressOptions struct {
	// MinSize is how many bytes a body has at least that is worth a coding.
	// Zero means 256.
	MinSize int

	// Type reports whether bodies of a media type, given as in Content-Type,
	// become smaller by a coding. Nil means text, scripts, JSON, XML, SVG,
	// WebAssembly, plain fonts and the like, but no other images, no sound, no
	// video and no archives.
	Type func(mediaType string) bool
}

// Compress codes what next writes with the coding that the request prefers:
// br, zstd or gzip, in that order where it likes them equally.
//
// Coded are bodies of a compressible type of at least MinSize bytes. Never
// coded are answers that have a Content-Encoding or Content-Range already, that
// are vouched for by a digest, or whose request or answer says "no-transform",
// 206 and its kin, and answers to a GET with Range: bytes that are made anew
// each time have no ranges, and a client that resumes must not get others than
// it has. All other answers of a compressible type say "Vary: Accept-Encoding",
// coded or not, 304 and HEAD too.
//
// Entity-tags follow the coding: next's strong "abc" is sent as "abc-gz" with
// gzip. Such a tag in If-None-Match, of a coding that the request accepts,
// reaches next as "abc", and the 304 that comes of it carries the tag that the
// client listed. If-Match takes the tags of all codings, since it guards a
// state and not bytes. A tag of next's own that ends in such a suffix is told
// apart by another one. Weak tags are the same for all codings.
//
// HEAD is answered as GET would be, as far as next says what that is: when it
// writes nothing and states no length, the body is presumed to be long enough.
// The length of a coded body is not known beforehand; servers find it out for
// short ones whose handler writes them for HEAD too.
//
// A body without a stated length or type is kept back until it is known what
// to do with it, at most 512 bytes. Flush sends all that was written so far.
// When next writes less than the Content-Length it stated, or panics, the
// answer is cut off.
//
// As with every compression under encryption, the length of the answer tells
// something of its content: leave out pages that show a secret beside what a
// stranger chose, such as a session's token beside a search term.
//
// A GET or HEAD that refuses every coding, identity too, is answered with 406
// before next runs. One that refuses only identity gets everything coded that
// may be, whatever its type and size, and the rest as it is. Other methods,
// whose work is done when the answer comes, always get an answer.
func Compress(next http.Handler, o CompressOptions) http.Handler {
	if o.MinSize <= 0 {
		o.MinSize = coding.MinSize
	}
	if o.Type == nil {
		o.Type = coding.Compressible
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodConnect {
			next.ServeHTTP(w, r)
			return
		}
		lines, present := r.Header["Accept-Encoding"]
		accepted := field.ParseAcceptEncoding(strings.Join(lines, ","), present)
		order, n := accepted.Order(coding.All.With(field.Identity))
		if n == 0 && reads(r) {
			notAcceptable(w)
			return
		}
		cw := &codedWriter{
			writer:   writer{ResponseWriter: w},
			o:        &o,
			r:        r,
			accepted: accepted,
			length:   -1,
		}
		_, ranged := r.Header["Range"]
		switch {
		case ranged && r.Method == http.MethodGet, hasDirective(r.Header, "no-transform"):
			// Identity, however it is liked.
		case n > 0:
			cw.preferred = order[0]
			cw.must = accepted.Q(field.Identity) == 0
		}
		defer cw.abandon()
		next.ServeHTTP(cw, untagged(r, accepted))
		cw.finish()
	})
}

func notAcceptable(w http.ResponseWriter) {
	h := w.Header()
	addVary(h)
	row := rule.Of(rule.NotAcceptable)
	row.Remedy = "this server has br, zstd, gzip and identity"
	body := explain(h, http.StatusNotAcceptable, row)
	tell(w, rule.NotAcceptable)
	w.WriteHeader(http.StatusNotAcceptable)
	w.Write(body)
}

// addVary says that the answer depends on Accept-Encoding.
func addVary(h http.Header) {
	have := strings.Join(h["Vary"], ", ")
	if field.HasToken(have, "Accept-Encoding") || field.HasToken(have, "*") {
		return
	}
	if have != "" {
		have += ", "
	}
	h.Set("Vary", have+"Accept-Encoding")
}

// hasDirective reports whether Cache-Control has a directive that takes no
// argument.
func hasDirective(h http.Header, name string) bool {
	for _, line := range h["Cache-Control"] {
		if field.HasToken(line, name) {
			return true
		}
	}
	return false
}
