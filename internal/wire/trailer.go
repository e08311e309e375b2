package wire

import (
	"bytes"

	"freshet/internal/rule"
)

// trailer takes the octets of the trailer section from the start of src.
func (d *Chunked) trailer(src []byte) (used int, broken rule.ID) {
	if d.section == nil && len(src) >= 2 && src[0] == '\r' && src[1] == '\n' {
		d.state = chunkDone
		return 2, 0
	}
	limits := Limits{}
	if d.Limits != nil {
		limits.MaxHeadBytes, limits.MaxFields = d.Limits.MaxHeadBytes, d.Limits.MaxFields
	}
	before := len(d.section)
	take := src[:min(len(src), limits.maxHeadBytes()-before)]
	d.section = append(d.section, take...)
	// Only whole lines are parsed, so that portions do not matter.
	if last := bytes.LastIndexByte(take, '\n'); last >= 0 {
		var h Head
		n, broken := limits.parseFields(d.section[:before+last+1], 0, &h)
		if broken != 0 || h.HasAny(refusedInTrailer) {
			return 0, rule.TrailerInvalid
		}
		if n > 0 {
			d.state = chunkDone
			d.Trailer = h.Fields
			d.dropTrailer()
			return n - before, 0
		}
	}
	if len(d.section) == limits.maxHeadBytes() {
		return 0, rule.TrailerInvalid
	}
	return len(take), 0
}

// A trailer that speaks of framing or routing is an attempt to be read in two
// ways.
var refusedInTrailer = Set(ContentLength, Host, Trailer, TransferEncoding)

// Other fields that RFC 9110 §6.5.1 keeps out of trailers, because they steer
// how a request is handled, who may send it or how its content is read, are
// dropped, as that section lets a recipient do.
var (
	droppedFromTrailer = Set(Accept, AcceptEncoding, AcceptLanguage, Authorization, CacheControl, Connection,
		ContentEncoding, ContentType, Cookie, Date, Expect, Forwarded, IfMatch, IfModifiedSince, IfNoneMatch,
		IfRange, IfUnmodifiedSince, KeepAlive, Origin, Pragma, ProxyConnection, Range, Referer, TE, Upgrade, Via,
		XForwardedFor)
	droppedNames = [...]string{"Age", "Content-Language", "Content-Location", "Content-Range", "Expires", "Location",
		"Max-Forwards", "Proxy-Authenticate", "Proxy-Authorization", "Retry-After", "Set-Cookie", "Vary",
		"Warning", "Www-Authenticate"}
)

// dropTrailer removes the fields that no trailer may have.
func (d *Chunked) dropTrailer() {
	kept := d.Trailer[:0]
next:
	for _, f := range d.Trailer {
		if droppedFromTrailer&(1<<f.Known) != 0 || NamesClient(f.Name) {
			continue
		}
		name := CanonicalName(f.Name)
		for _, s := range droppedNames {
			if name == s {
				continue next
			}
		}
		kept = append(kept, f)
	}
	d.Trailer = kept
}
