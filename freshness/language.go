package freshness

import "freshet/internal/field"

// SelectLanguage returns the index of the stored variant that a request would
// most likely be answered with, by Accept-Language and the Content-Language of
// each variant; -1 when none fits. It is a guess that goes beyond RFC 9111 §4.1:
// the origin may choose another one, or make one that is not stored yet. A cache
// may use it for sites whose origin is known to choose in the same way, before it
// compares secondary keys.
//
// A language range fits a language that is equal to it or begins with it and a
// hyphen (RFC 4647 §3.3.1); the longest range that fits gives the weight. Of
// equal weights the first variant wins. A Content-Language of several languages
// has the weight of its first. Variants without one never fit.
func SelectLanguage(acceptLanguage string, contentLanguages []string) int {
	best, bestQ := -1, int16(0)
	for i, languages := range contentLanguages {
		language, _, ok := field.NextElement(languages)
		if !ok {
			continue
		}
		if q := languageWeight(acceptLanguage, language); q > bestQ {
			best, bestQ = i, q
		}
	}
	return best
}

// languageWeight returns the weight that Accept-Language gives to a language.
func languageWeight(acceptLanguage, language string) (weight int16) {
	longest := -1
	for {
		elem, rest, ok := field.NextElement(acceptLanguage)
		if !ok {
			return weight
		}
		acceptLanguage = rest
		name, q, ok := field.CutWeight(elem)
		if !ok {
			continue
		}
		n := len(name)
		if name == "*" {
			n = 0
		} else if !inRange(language, name) {
			continue
		}
		if n > longest {
			longest, weight = n, q
		}
	}
}

// inRange is basic filtering.
func inRange(language, name string) bool {
	return len(language) >= len(name) && field.EqualFold(language[:len(name)], name) &&
		(len(language) == len(name) || language[len(name)] == '-')
}
