package static

import (
	"net/http"

	"freshet/digest"
	"freshet/internal/representation"
)

// setDigests gives an answer the digests that the request asks for (RFC 9530
// §4), of those that there are: the sha-256 of a body that has been hashed, for
// which entity-tags have seen to, and its sha-512, which is made for the first
// who prefers it; of a file that is not in memory in the background. Repr-Digest
// is of the whole variant, as it is coded, also beside a part of it and for HEAD.
// Content-Digest is sent where the content is that whole; a hash of each part that
// somebody asks for would be work for nothing. A 304 has neither (RFC 9110
// §15.4.5).
func (h *Handler) setDigests(f http.Header, r *http.Request, e *entry, v *representation.Variant, status int, parts bool) {
	part := parts || status == http.StatusPartialContent
	if status != http.StatusOK && !part {
		return
	}
	if d := h.wanted(r.Header["Want-Repr-Digest"], e, v); d.Algorithm != digest.None {
		f["Repr-Digest"] = []string{d.String()}
	}
	if part || r.Method != http.MethodGet {
		return
	}
	if d := h.wanted(r.Header["Want-Content-Digest"], e, v); d.Algorithm != digest.None {
		f["Content-Digest"] = []string{d.String()}
	}
}

// wanted returns the digest that the lines of a field prefer, of those that there
// are; the zero Digest for none.
func (h *Handler) wanted(lines []string, e *entry, v *representation.Variant) (d digest.Digest) {
	if len(lines) == 0 {
		return d
	}
	want := digest.ParseWant(lines)
	if want.Choose() == digest.SHA512 {
		if long := h.long(e, v); long != nil {
			return *long
		}
	}
	if v.Digest.Algorithm != digest.None && want.Choose(v.Digest.Algorithm) != digest.None {
		return v.Digest
	}
	return d
}

// long returns the sha-512 of a variant; nil while it is not made.
func (h *Handler) long(e *entry, v *representation.Variant) *digest.Digest {
	d := v.Long.Load()
	switch {
	case d != nil:
	case v.Body != nil || v.Size == 0:
		made := digest.Of(digest.SHA512, v.Body)
		d = &made
		v.Long.Store(d)
	case v.Tag != "": // its file has been hashed once; what changes all the time never is
		h.enqueueLong(e, v)
	}
	return d
}
