package filterlist

import (
	"strings"

	"freshet/internal/site"
)

// lines goes through a text: number, offset and text of each line that has
// something on it, without the space around it. It stops when yield says so.
func lines(text string, yield func(number, offset int, line string) bool) {
	at := 0
	if strings.HasPrefix(text, "\ufeff") {
		at = len("\ufeff")
	}
	for number := 1; at < len(text); number++ {
		line := text[at:]
		next := len(text)
		if i := strings.IndexByte(line, '\n'); i >= 0 {
			line, next = line[:i], at+i+1
		}
		trimmed := strings.TrimLeft(line, " \t\r")
		offset := at + len(line) - len(trimmed)
		if trimmed = strings.TrimRight(trimmed, " \t\r"); trimmed != "" && !yield(number, offset, trimmed) {
			return
		}
		at = next
	}
}

// lineAt returns the line that begins at an offset.
func lineAt(text string, offset uint32) string {
	line := text[offset:]
	if i := strings.IndexByte(line, '\n'); i >= 0 {
		line = line[:i]
	}
	return strings.TrimRight(line, " \t\r")
}

// lineKind is what a line is, as far as its first bytes tell.
type lineKind uint8

const (
	lineComment lineKind = iota
	lineDirective
	lineHosts  // an address and names
	lineDomain // a name alone
	lineRule   // all else
)

// kindOf returns what a line is. header says that the list begins with
// "[Adblock", where a name alone is a pattern.
func kindOf(line string, header bool) lineKind {
	switch line[0] {
	case '!':
		if strings.HasPrefix(line, "!#") || strings.HasPrefix(line, "!+") {
			return lineDirective
		}
		return lineComment
	case '[':
		if line[len(line)-1] == ']' && !strings.Contains(line, "##") && !strings.Contains(line, "#@#") {
			return lineComment
		}
	case '#':
		if isHashComment(line) {
			return lineComment
		}
	}
	if !header {
		if name, ok := loneDomain(line); ok && name != "" {
			return lineDomain
		}
	}
	if i := strings.IndexAny(line, " \t"); i > 0 && isAddressText(line[:i]) {
		return lineHosts
	}
	return lineRule
}

// isHashComment tells a comment of a hosts file from a hiding rule for all
// pages ("##.ad") and from its relatives.
func isHashComment(line string) bool {
	rest := line[1:]
	if strings.HasPrefix(rest, "@") || strings.HasPrefix(rest, "?") || strings.HasPrefix(rest, "$") || strings.HasPrefix(rest, "%") {
		return !strings.Contains(rest, "#")
	}
	if !strings.HasPrefix(rest, "#") {
		return true
	}
	rest = strings.TrimPrefix(rest[1:], "#") // "###id" is a rule
	return rest == "" || strings.ContainsAny(rest[:1], "# \t=") || strings.HasPrefix(rest, "--")
}

// isAddressText says whether a word has the form of an IP address.
func isAddressText(s string) bool {
	if strings.Trim(s, "0123456789.") == "" {
		return strings.Count(s, ".") == 3
	}
	s, _, _ = strings.Cut(s, "%") // a zone, as in fe80::1%lo0
	return strings.Count(s, ":") >= 2 && strings.Trim(lowerASCII(s), "0123456789abcdef:.") == ""
}

// loneDomain returns the name on a line that has nothing else but, perhaps, a
// comment behind it; "*." and "." before it say what is meant anyway.
func loneDomain(line string) (string, bool) {
	if i := strings.Index(line, " #"); i >= 0 {
		line = strings.TrimRight(line[:i], " \t")
	}
	line = strings.TrimPrefix(strings.TrimPrefix(line, "*"), ".")
	if strings.IndexByte(line, '.') < 0 || strings.ContainsAny(line, "/|^*$#@,:~=& \t") {
		return "", false
	}
	name, ok := asciiHost(strings.TrimSuffix(line, "."))
	if !ok || !isHostName(name) || !strings.Contains(name, ".") || site.IsAddress(name) || strings.ContainsAny(name[:1], "-_") {
		return "", false
	}
	return name, true
}

// hostsNames returns the names that a line of a hosts file sends nowhere. The
// names that such files give to the machine itself are left out.
func hostsNames(line string) (names []string, reason string) {
	if i := strings.IndexByte(line, '#'); i >= 0 {
		line = line[:i]
	}
	words := strings.Fields(line)
	if len(words) < 2 {
		return nil, "an address without a name"
	}
	address := words[0]
	if !strings.HasPrefix(address, "127.") && address != "0.0.0.0" && strings.Trim(address, "0:") != "" && address != "::1" {
		for _, word := range words[1:] {
			if !isOwnName(lowerASCII(word)) {
				return nil, "a host at an address of its own"
			}
		}
		return nil, ""
	}
	for _, word := range words[1:] {
		name, ok := asciiHost(strings.TrimSuffix(word, "."))
		switch {
		case !ok || !isHostName(name):
			return nil, "a word that is no host"
		case !isOwnName(name):
			names = append(names, name)
		}
	}
	return names, ""
}

func isOwnName(name string) bool {
	switch name {
	case "localhost", "localhost.localdomain", "local", "localhost4", "localhost6", "localhost4.localdomain4", "localhost6.localdomain6", "broadcasthost", "0.0.0.0":
		return true
	}
	return strings.HasPrefix(name, "ip6-")
}
