package wiretest

import (
	"bytes"
	"strings"
)

// archive is a txtar file: a comment, here the script, and files.
type archive struct {
	script string
	files  []archiveFile
}

type archiveFile struct {
	name string
	data []byte
}

// parseArchive splits text at its "-- name --" lines. Every text is an
// archive; one without such lines is all script.
func parseArchive(text []byte) archive {
	var a archive
	current := &archiveFile{}
	done := func() {
		if current.name == "" {
			a.script = string(current.data)
		} else {
			a.files = append(a.files, *current)
		}
	}
	for line := range bytes.Lines(text) {
		if name, ok := marker(line); ok {
			done()
			current = &archiveFile{name: name}
			continue
		}
		current.data = append(current.data, line...)
	}
	done()
	return a
}

func marker(line []byte) (name string, ok bool) {
	s := strings.TrimRight(string(line), "\r\n")
	s, begins := strings.CutPrefix(s, "-- ")
	s, ends := strings.CutSuffix(s, " --")
	s = strings.TrimSpace(s)
	return s, begins && ends && s != ""
}
