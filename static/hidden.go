package static

import (
	"runtime"
	"strings"
)

// hiddenName reports whether a name in a folder is one that is not served or
// listed unless asked for: what a person would not knowingly publish. top says
// that the folder is the root.
//
// It goes by name alone, never by what the file system has, so that the answer
// tells nobody whether the file exists.
func hiddenName(name string, top bool) bool {
	if name == "" {
		return false
	}
	if name[0] == '.' {
		return !(top && name == ".well-known") // RFC 8615 §3
	}
	switch name {
	case "CVS", "RCS", "SCCS", "_darcs", "_svn", "_FOSSIL_":
		return true
	}
	if runtime.GOOS == "windows" && aliased(name) {
		return true
	}
	name = strings.ToLower(name)
	if strings.HasSuffix(name, "~") || name[0] == '#' && strings.HasSuffix(name, "#") {
		return true
	}
	for _, prefix := range [...]string{"id_rsa", "id_dsa", "id_ecdsa", "id_ed25519"} {
		if strings.HasPrefix(name, prefix) {
			return true
		}
	}
	if strings.HasSuffix(name, ".pem") && strings.Contains(name, "key") && !strings.Contains(name, "pub") {
		return true // key.pem, privkey.pem, example.com-key.pem
	}
	dot := strings.LastIndexByte(name, '.')
	return dot >= 0 && hiddenExtensions[name[dot:]]
}

// hiddenExtensions are backups and swap files of editors and patches, and
// files that hold private keys. Certificates (.crt, and .pem unless it is called
// a key) are not among them: most of them are public.
var hiddenExtensions = map[string]bool{
	".bak": true, ".orig": true, ".rej": true, ".swp": true, ".swo": true, ".swn": true,
	".key": true, ".p12": true, ".pfx": true, ".kdbx": true, ".jks": true, ".keystore": true, ".ppk": true,
}

// aliased reports whether Windows may take a name for another file's: a stream
// of it (a.txt::$DATA), its name with dots and spaces behind, or its short
// name (GIT~1). Such a name would get around all that hides the other.
func aliased(name string) bool {
	tilde := strings.IndexByte(name, '~')
	return strings.IndexByte(name, ':') >= 0 || strings.HasSuffix(name, ".") || strings.HasSuffix(name, " ") ||
		tilde >= 0 && tilde+1 < len(name) && '0' <= name[tilde+1] && name[tilde+1] <= '9'
}

// hiddenPath reports whether any segment of a path below the root is hidden.
func hiddenPath(name string) bool {
	for top := true; name != ""; top = false {
		segment, rest, _ := strings.Cut(name, "/")
		if hiddenName(segment, top) {
			return true
		}
		name = rest
	}
	return false
}
