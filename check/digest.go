package check

import (
	"crypto/md5"
	"crypto/sha1"
	"crypto/sha256"
	"crypto/sha512"
	"encoding/base64"
	"strings"

	"freshet/internal/field"
)

// A digestAlgorithm is one of the registered ways to make a digest (RFC 9530
// §5).
type digestAlgorithm struct {
	bytes int
	weak  bool // it does not protect from those who want to forge
	sum   func(b []byte) []byte
}

var digestAlgorithms = map[string]digestAlgorithm{
	"sha-256":   {32, false, func(b []byte) []byte { s := sha256.Sum256(b); return s[:] }},
	"sha-512":   {64, false, func(b []byte) []byte { s := sha512.Sum512(b); return s[:] }},
	"md5":       {16, true, func(b []byte) []byte { s := md5.Sum(b); return s[:] }},
	"sha":       {20, true, func(b []byte) []byte { s := sha1.Sum(b); return s[:] }},
	"unixsum":   {0, true, nil},
	"unixcksum": {0, true, nil},
	"adler":     {4, true, nil},
	"crc32c":    {4, true, nil},
}

// digestFields are the fields of RFC 9530 and its sister.
var digestFields = []string{"Content-Digest", "Repr-Digest", "Unencoded-Digest"}

// digests returns the members of a digest field, from the head or, without one
// there, from the trailers.
func (s *subject) digests(name string) []sfMember {
	if s.has(name) {
		return s.sf(name)
	}
	for trailer, lines := range s.Trailer {
		if strings.EqualFold(trailer, name) {
			return membersOf(name, lines)
		}
	}
	return nil
}

// whole returns the content of the answer if all of it was kept.
func (s *subject) whole() (content []byte, ok bool) {
	if s.bodiless() || s.BodySize < 0 || int64(len(s.Body)) != s.BodySize {
		return nil, false
	}
	if length, stated := s.number("Content-Length"); stated && length != s.BodySize {
		return nil, false
	}
	return s.Body, true
}

// representation returns the content if it is the representation that digests
// are of.
func (s *subject) representation() (content []byte, ok bool) {
	if s.Method != "GET" || s.Status != 200 {
		return nil, false
	}
	return s.whole()
}

// uncoded is representation for what no content coding has changed.
func (s *subject) uncoded() (content []byte, ok bool) {
	for _, coding := range s.list("Content-Encoding") {
		if !strings.EqualFold(coding, "identity") {
			return nil, false
		}
	}
	return s.representation()
}

// wrongDigest returns the algorithm by which a digest field does not fit what it
// is of.
func wrongDigest(members []sfMember, content []byte) (algorithm string, wrong bool) {
	for _, m := range members {
		a := digestAlgorithms[m.Key]
		if a.sum == nil || m.Kind != field.Bytes || len(m.Text) != a.bytes {
			continue
		}
		if sum := a.sum(content); string(sum) != m.Text {
			return m.Key + "=:" + base64.StdEncoding.EncodeToString(sum) + ": would be right", true
		}
	}
	return "", false
}

// digestMismatch makes a finder for a field whose digest does not fit.
func digestMismatch(name string, of9530 func(x *subject) (content []byte, ok bool)) func(*subject, func(where, detail string)) {
	return func(x *subject, report func(where, detail string)) {
		content, ok := of9530(x)
		if !ok {
			return
		}
		if detail, wrong := wrongDigest(x.digests(name), content); wrong {
			report(of(name), detail)
		}
	}
}

// oldDigests returns the members of Digest (RFC 3230), which RFC 9530 has made
// obsolete, and Content-MD5 as one of them.
func (s *subject) oldDigests() []sfMember {
	var all []sfMember
	for _, elem := range s.list("Digest") {
		name, coded, _ := strings.Cut(elem, "=")
		if raw, err := base64.StdEncoding.DecodeString(coded); err == nil {
			all = append(all, sfMember{Key: strings.ToLower(name), Kind: field.Bytes, Text: string(raw)})
		}
	}
	return all
}
