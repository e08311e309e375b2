package static

import (
	"strings"

	"freshet/internal/rule"
	"freshet/internal/wire"
)

const (
	maxSegment = 255  // bytes of one name: NAME_MAX of the usual file systems
	maxPath    = 4095 // bytes of a path: PATH_MAX without its NUL
)

// decodePath is [wire.DecodePath], and refuses names that no file system has.
func decodePath(raw string) (name string, dir bool, broken rule.ID) {
	name, dir, fault := wire.DecodePath(raw)
	switch fault {
	case wire.PathBroken:
		return "", false, rule.StaticBadPath
	case wire.PathOutside:
		return "", false, rule.StaticOutside
	}
	return name, dir, tooLong(name)
}

func tooLong(name string) rule.ID {
	if len(name) > maxPath {
		return rule.StaticPathTooLong
	}
	for rest := name; rest != ""; {
		var segment string
		segment, rest, _ = strings.Cut(rest, "/")
		if len(segment) > maxSegment {
			return rule.StaticPathTooLong
		}
	}
	return 0
}
