package filterlist

import (
	"cmp"
	"slices"
	"strconv"
	"strings"
	"time"
)

// ListInfo says what a source holds, and what became of it.
type ListInfo struct {
	Name   string
	Format string // what most lines are: "adblock", "hosts", "domains"; "" for no rules at all
	// From the comments at its top, "" where there are none.
	Title, Homepage, License, Version, Modified string
	// Expires is how long the list asks to be used before it is fetched anew, 0 if
	// it does not say.
	Expires time.Duration
	Counts  Counts
	// Unsupported are the reasons why lines were left out, the most frequent
	// first.
	Unsupported []Unsupported

	header bool // it begins with "[Adblock"
}

// Counts are numbers of rules by what they do. A rule counts once for each.
type Counts struct {
	Block     int // network rules that block
	Allow     int // their exceptions, and exceptions for pages
	Hosts     int // names in lines of hosts files and lists of domains
	Modify    int // rules with $redirect, $removeparam, $csp, $permissions, and exceptions from them
	Hide      int // hiding rules
	Unhide    int // their exceptions
	Badfilter int // rules that disable others
	Disabled  int // rules that those disable
}

// Rules is the number of rules in force.
func (c Counts) Rules() int {
	return c.Block + c.Allow + c.Hosts + c.Modify + c.Hide + c.Unhide
}

// Unsupported is a reason why lines were left out, with the first of them.
type Unsupported struct {
	Reason string
	Count  int
	First  []Rule // five at most
}

// maxReasons is how many different reasons are kept for a list; the rest are
// counted as one.
const maxReasons = 200

const otherReasons = "another reason than the first 199"

func (l *ListInfo) unsupported(reason string, number int, line string) {
	i := slices.IndexFunc(l.Unsupported, func(u Unsupported) bool { return u.Reason == reason })
	if i < 0 && len(l.Unsupported) >= maxReasons-1 && reason != otherReasons {
		l.unsupported(otherReasons, number, line)
		return
	}
	if i < 0 {
		i = len(l.Unsupported)
		l.Unsupported = append(l.Unsupported, Unsupported{Reason: reason})
	}
	u := &l.Unsupported[i]
	u.Count++
	if number > 0 && len(u.First) < maxReported {
		u.First = append(u.First, Rule{l.Name, number, line})
	}
}

func (l *ListInfo) sort() {
	slices.SortStableFunc(l.Unsupported, func(a, b Unsupported) int { return cmp.Compare(b.Count, a.Count) })
}

// maxHead is in how many first lines the title and the like are looked for.
const maxHead = 50

// inspect reads the head of a list and tells its format by its lines.
func (l *ListInfo) inspect(text string) {
	first := true
	var hosts, names, rules int
	lines(text, func(number, _ int, line string) bool {
		if first {
			first = false
			l.header = strings.HasPrefix(lowerASCII(line), "[adblock")
		}
		switch kindOf(line, l.header) {
		case lineComment:
			if number <= maxHead {
				l.head(strings.TrimLeft(line, "!# \t"))
			}
		case lineHosts:
			hosts++
		case lineDomain:
			names++
		case lineRule:
			rules++
		}
		return true
	})
	switch {
	case hosts+names+rules == 0:
	case l.header || rules >= max(hosts, names):
		l.Format = "adblock"
	case hosts >= names:
		l.Format = "hosts"
	default:
		l.Format = "domains"
	}
}

// head takes a comment such as "Title: EasyList".
func (l *ListInfo) head(comment string) {
	name, value, ok := strings.Cut(comment, ":")
	value = strings.TrimSpace(value)
	if !ok || value == "" {
		return
	}
	set := func(field *string) {
		if *field == "" {
			*field = value
		}
	}
	switch lowerASCII(strings.TrimSpace(name)) {
	case "title":
		set(&l.Title)
	case "homepage":
		set(&l.Homepage)
	case "license", "licence":
		set(&l.License)
	case "version":
		set(&l.Version)
	case "last modified", "last updated", "timeupdated", "date":
		set(&l.Modified)
	case "expires":
		if l.Expires == 0 {
			l.Expires = parseExpires(value)
		}
	}
}

// maxExpires is the longest that a list may ask to be kept.
const maxExpires = 365 * 24 * time.Hour

// parseExpires reads "4 days (update frequency)", "12 hours", "12h", "1".
func parseExpires(value string) time.Duration {
	end := 0
	for end < len(value) && '0' <= value[end] && value[end] <= '9' {
		end++
	}
	n, err := strconv.Atoi(value[:end])
	if err != nil || n > 10000 {
		return 0
	}
	unit := 24 * time.Hour
	switch rest := lowerASCII(strings.TrimSpace(value[end:])); {
	case strings.HasPrefix(rest, "h"):
		unit = time.Hour
	case strings.HasPrefix(rest, "mo"):
		unit = 30 * 24 * time.Hour
	case strings.HasPrefix(rest, "m"):
		unit = time.Minute
	case strings.HasPrefix(rest, "w"):
		unit = 7 * 24 * time.Hour
	}
	return min(time.Duration(n)*unit, maxExpires)
}
