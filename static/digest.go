package static

import (
	"net/http"

	"freshet/digest"
	"freshet/internal/representation"
)

// setDigests gives an answer the digests that the request asks for (RFC 9530
// §4), of those that there are: the sha-256 of a body that has been hashed, for
// which entity-tags have seen to. Repr-Digest is of the whole variant, as it is
// coded, also beside a part of it and for HEAD. Content-Digest is sent where the
// content is that whole; a hash of each part that somebody asks for would be work
// for nothing. A 304 has neither (RFC 9110 §15.4.5).
func setDigests(f http.Header, r *http.Request, v *representation.Variant, status int, parts bool) {
	d := v.Digest
	if d.Algorithm == digest.None {
		return
	}
	part := parts || status == http.StatusPartialContent
	if status != http.StatusOK && !part {
		return
	}
	if wants(r.Header["Want-Repr-Digest"], d) {
		f["Repr-Digest"] = []string{d.String()}
	}
	if !part && r.Method == http.MethodGet && wants(r.Header["Want-Content-Digest"], d) {
		f["Content-Digest"] = []string{d.String()}
	}
}

// wants reports whether the lines of a field ask for a digest like this.
func wants(lines []string, d digest.Digest) bool {
	return digest.ParseWant(lines).Choose(d.Algorithm) != digest.None
}
