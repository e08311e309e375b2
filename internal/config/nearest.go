package config

import (
	"strings"

	"freshet/internal/field"
)

// Nearest returns which of the known words a person most likely meant, or ""
// when none is near: a word that begins or is contained so, or one within a
// typing error for each three letters.
func Nearest(word string, known []string) string {
	word = strings.ToLower(strings.ReplaceAll(word, "_", "-"))
	best, least := "", min(len(word)/3+1, 5)
	for _, k := range known {
		d := field.Distance(word, k, field.LongestWord)
		if len(word) >= 3 && strings.HasPrefix(k, word) {
			d = 1
		}
		if d < least || (d == least && best == "") {
			best, least = k, d
		}
	}
	return best
}
