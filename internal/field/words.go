package field

import "strconv"

// LongestWord is the length of the longest word that Distance looks at.
const LongestWord = 64

// Distance is how many letters must be put in, left out, changed or swapped with
// the next to make b of a: how far a word that somebody wrote is from one that
// there is. It is more than most if it is more than that, or a word is longer
// than LongestWord.
func Distance(a, b string, most int) int {
	if d := len(a) - len(b); d > most || -d > most || max(len(a), len(b)) > LongestWord {
		return most + 1
	}
	var before, last, row [LongestWord + 1]int
	for j := range len(b) + 1 {
		last[j] = j
	}
	for i := 1; i <= len(a); i++ {
		row[0] = i
		for j := 1; j <= len(b); j++ {
			cost := 1
			if a[i-1] == b[j-1] {
				cost = 0
			}
			row[j] = min(last[j]+1, row[j-1]+1, last[j-1]+cost)
			if i > 1 && j > 1 && a[i-1] == b[j-2] && a[i-2] == b[j-1] {
				row[j] = min(row[j], before[j-2]+1)
			}
		}
		before, last = last, row
	}
	return last[len(b)]
}

// Thousands writes a number with a comma at each thousand: 12,345.
func Thousands(n int64) string {
	s := strconv.FormatInt(n, 10)
	for i := len(s) - 3; i > 0 && s[i-1] != '-'; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return s
}
