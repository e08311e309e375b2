package guard

import (
	"net/url"
	"slices"
	"strings"

	"freshet/internal/wire"
)

// maxRead bounds the paths that are read in all ways.
const maxRead = 4096

// maxReadAlso is how many other paths a service is asked about besides the one that
// was written.
const maxReadAlso = 4

// dotted reports whether somebody may find a dot segment in a path. A service that
// decides by path and an origin that answers it would resolve it each in its way.
func dotted(path string) bool {
	if wire.ReadAlike(path) {
		return false
	}
	for reading := range wire.Readings(path) {
		if len(path) > maxRead {
			return true
		}
		for segment := range strings.SplitSeq(reading, "/") {
			if segment == "." || segment == ".." {
				return true
			}
		}
	}
	return false
}

// readAlso are the paths, percent-encoded, that somebody may read in another one, and
// that a service which decides by path would not take it for. Who answers may be one
// who does: each of them has to pass. ok is false when they are too many.
//
//	//admin → /admin    /a%2Fb → /a/b    /a;b → /a    /%61 → /a
//
// A path in which nothing is encoded, doubled or a parameter has none.
func readAlso(path string) (others []string, ok bool) {
	if wire.ReadAlike(path) || !strings.HasPrefix(path, "/") {
		return nil, true
	}
	written := decoded(path)
	add := func(other string, asWritten bool) {
		if !asWritten && decoded(other) == written || other == path || slices.Contains(others, other) {
			return
		}
		others = append(others, other)
	}
	name, folder := wire.EncodedPath(path)
	add("/"+name+slash(name, folder), encodesPlain(path))
	folder = folder || endsInSlash(written)
	for reading := range wire.Readings(path) {
		u := url.URL{Path: "/" + reading + slash(reading, folder)}
		if add(strings.ReplaceAll(u.EscapedPath(), "%252F", "%2F"), false); len(others) > maxReadAlso {
			return nil, false
		}
	}
	return others, true
}

func slash(name string, folder bool) string {
	if folder && name != "" && !strings.HasSuffix(name, "/") {
		return "/"
	}
	return ""
}

// decoded is a path without its encoding, but for slashes that are encoded: not
// everybody takes those for separators.
func decoded(path string) string {
	s, err := url.PathUnescape(strings.NewReplacer("%2f", "%252F", "%2F", "%252F").Replace(path))
	if err != nil {
		return path
	}
	return s
}

// endsInSlash reports whether somebody takes a decoded path for that of a folder.
func endsInSlash(path string) bool {
	path = strings.NewReplacer(`\`, "/", "%2F", "/").Replace(path)
	last := path[strings.LastIndexByte(path, '/')+1:]
	return last == "" || last[0] == ';'
}

// encodesPlain reports whether something is encoded that does not have to be (RFC 3986
// §2.3). Who compares a path as it is written does not find it.
func encodesPlain(path string) bool {
	for i := 0; i+2 < len(path); i++ {
		hi, lo := wire.Unhex(path[i+1]), wire.Unhex(path[i+2])
		if path[i] != '%' || hi > 15 || lo > 15 {
			continue
		}
		switch c := hi<<4 | lo; {
		case c >= 'a' && c <= 'z', c >= 'A' && c <= 'Z', c >= '0' && c <= '9', c == '-', c == '.', c == '_', c == '~':
			return true
		}
	}
	return false
}
