package cache

import (
	"slices"
	"strings"

	"freshet/freshness"
)

// Tags name what an answer is made of, so that it can be purged by that:
// Surrogate-Key has them between spaces, Cache-Tag between commas. Both go on
// to clients as they are, for a cache on the way may need them, too.
const (
	// MaxTags bounds the tags of an answer, and MaxTagLength the bytes of one.
	// An answer with more, or a longer one, counts as one with every tag: a purge
	// takes it along rather than leaves it.
	MaxTags      = 256
	MaxTagLength = 1024
)

// anyTag stands for every tag. No field can say it.
const anyTag = ""

// tagsOf returns the tags of an answer, sorted, once each.
func tagsOf(fields freshness.Fields) []string {
	bySpaces, byCommas := fields["Surrogate-Key"], fields["Cache-Tag"]
	if len(bySpaces) == 0 && len(byCommas) == 0 {
		return nil
	}
	var tags []string
	beyond := false
	add := func(tag string) {
		switch {
		case tag == "":
		case len(tag) > MaxTagLength:
			beyond = true
		case len(tags) <= 2*MaxTags: // some may be named twice
			tags = append(tags, tag)
		default:
			beyond = true
		}
	}
	for _, line := range bySpaces {
		for tag := range strings.FieldsSeq(line) {
			add(tag)
		}
	}
	for _, line := range byCommas {
		for tag := range strings.SplitSeq(line, ",") {
			add(strings.Trim(tag, " \t"))
		}
	}
	slices.Sort(tags)
	tags = slices.Compact(tags)
	if len(tags) > MaxTags {
		tags, beyond = tags[:MaxTags], true
	}
	if beyond {
		tags = append([]string{anyTag}, tags...)
	}
	return slices.Clip(tags)
}

// tagged reports whether an object has a tag; anyTag: any at all.
func (o *object) tagged(tag string) bool {
	if len(o.tags) == 0 {
		return false
	}
	return tag == anyTag || o.tags[0] == anyTag || slices.Contains(o.tags, tag)
}
