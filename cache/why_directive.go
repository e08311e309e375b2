package cache

import (
	"fmt"
	"mime"
	"net/http"
	"path"
	"slices"
	"strings"

	"freshet/internal/field"
	"freshet/internal/rule"
)

// withoutDirective returns the lines of Cache-Control less a directive.
func withoutDirective(lines []string, directive string) []string {
	var rest []string
	for elem := range field.Elements(lines) {
		if name, _, _ := strings.Cut(elem, "="); !field.EqualFold(name, directive) {
			rest = append(rest, elem)
		}
	}
	if len(rest) == 0 {
		return nil
	}
	return []string{strings.Join(rest, ", ")}
}

// withMaxAge returns Cache-Control with another lifetime: where s-maxage says
// it, that is what is changed.
func withMaxAge(lines []string, seconds int64) string {
	directive := "max-age"
	var rest []string
	for elem := range field.Elements(lines) {
		switch name, _, _ := strings.Cut(elem, "="); {
		case field.EqualFold(name, "s-maxage"):
			directive = "s-maxage"
		case !field.EqualFold(name, "max-age"):
			rest = append(rest, elem)
		}
	}
	return strings.Join(append(rest, fmt.Sprintf("%s=%d", directive, seconds)), ", ")
}

// overridingNames returns the fields by which a request asks for another method
// or address.
func overridingNames(header http.Header) (names []string) {
	for name := range header {
		if isOverriding(name) {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return names
}

// typeFor returns the media type that the extension of a path stands for.
func typeFor(p string) string {
	ext := strings.ToLower(path.Ext(p))
	if want := staticTypes[ext]; len(want) > 0 && !strings.HasSuffix(want[0], "/") {
		return want[0]
	}
	if media, _, err := mime.ParseMediaType(mime.TypeByExtension(ext)); err == nil && !disagree(p, media) {
		return media
	}
	return staticTypes[ext][0] + strings.TrimPrefix(ext, ".")
}

// isMoment reports whether a rule is about what is stored at the moment: the
// next request meets another state.
func isMoment(id rule.ID) bool {
	switch id {
	case rule.CacheURIMiss, rule.CacheVaryMiss, rule.CachePartialMiss, rule.CacheEvicted, rule.CacheInvalidated, rule.CacheGroupInvalidated,
		rule.CachePurged, rule.CacheVariantsFull, rule.CacheUnreadable, rule.CacheSoftPurged, rule.CacheHeadDiffers, rule.CacheLease,
		rule.CacheOvertaken, rule.CachePartsDiffer, rule.CacheHitForMiss, rule.CacheCollapsed, rule.CacheNotKept, rule.CacheCut, rule.CacheMisfiled,
		rule.CacheHeld, rule.CacheDigestWrong:
		return true
	}
	return false
}
