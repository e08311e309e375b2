package coding

import (
	"strings"

	"freshet/internal/field"
)

// An entity-tag names the bytes that are sent, so each coding of a
// representation has its own (RFC 9110 §8.8.3.3). freshet derives it from the
// identity's by a suffix within the quotes:
//
//	"abc"     identity
//	"abc-gz"  gzip
//	"abc-br"  brotli
//	"abc-zst" zstd
//
// and takes the suffix off again when a client sends the tag. So that no two
// contents ever share a tag, an identity tag that happens to end in one of
// those suffixes is sent with another one:
//
//	"abc-gz"     identity → "abc-gz-id"
//	"abc-gz"     gzip     → "abc-gz-gz"
//
// A weak tag (W/"abc") promises only equivalence, which codings keep: it is
// the same for all of them.

// escape marks an identity tag that ends in what looks like a suffix.
const escape = "-id"

// TagSuffix returns what the entity-tag of a coding has before its closing
// quote more than the identity's, "" for identity.
func TagSuffix(c field.Coding) string {
	switch c {
	case field.Gzip:
		return "-gz"
	case field.Brotli:
		return "-br"
	case field.Zstd:
		return "-zst"
	}
	return ""
}

// Tag returns the entity-tag of coding c of a representation, given that of
// its identity, with quotes. Whatever is not an entity-tag comes back as it is.
func Tag(identity string, c field.Coding) string {
	opaque, weak, ok := cutTag(identity)
	if !ok {
		return identity
	}
	suffix := TagSuffix(c)
	if weak || suffix == "" {
		if !reserved(opaque) {
			return identity
		}
		suffix = escape
	}
	return identity[:len(identity)-1] + suffix + `"`
}

// Base is the reverse of Tag: it returns the identity's tag and the coding
// that a tag is of. A weak tag is taken for the weakened form of a strong one,
// as caches make it, so it may name a coding too.
func Base(tag string) (identity string, c field.Coding) {
	opaque, _, ok := cutTag(tag)
	if !ok {
		return tag, field.Identity
	}
	if rest, found := strings.CutSuffix(opaque, escape); found && reserved(rest) {
		return tag[:len(tag)-len(escape)-1] + `"`, field.Identity
	}
	for _, c := range [...]field.Coding{field.Gzip, field.Brotli, field.Zstd} {
		if s := TagSuffix(c); strings.HasSuffix(opaque, s) {
			return tag[:len(tag)-len(s)-1] + `"`, c
		}
	}
	return tag, field.Identity
}

// reserved reports whether an opaque tag ends as if Tag had made it.
func reserved(opaque string) bool {
	return strings.HasSuffix(opaque, "-gz") || strings.HasSuffix(opaque, "-br") ||
		strings.HasSuffix(opaque, "-zst") || strings.HasSuffix(opaque, escape)
}

// cutTag returns what stands between the quotes of an entity-tag.
func cutTag(tag string) (opaque string, weak, ok bool) {
	rest, weak := strings.CutPrefix(tag, "W/")
	if len(rest) < 2 || rest[0] != '"' || rest[len(rest)-1] != '"' {
		return "", false, false
	}
	return rest[1 : len(rest)-1], weak, true
}
