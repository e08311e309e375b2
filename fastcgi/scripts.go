package fastcgi

import (
	"os"
	"path"
	"strings"

	"freshet/internal/field"
	"freshet/internal/gateway"
	"freshet/internal/rule"
)

// folder is one that files are looked up in without leaving it.
type folder struct {
	path string
	root *os.Root
}

func openFolder(path string) (*folder, error) {
	root, err := os.OpenRoot(path)
	if err != nil {
		return nil, err
	}
	return &folder{strings.TrimRight(path, "/"), root}, nil
}

func (f *folder) close() { f.root.Close() }

// what is at a name.
type what uint8

const (
	nothing what = iota
	file
	directory
	special // neither, or not to be seen from here
)

// look finds out what is at a name, by links that stay below the folder.
func (f *folder) look(name string) what {
	if name == "" {
		return directory
	}
	fi, err := f.root.Stat(name)
	switch {
	case err != nil:
		return nothing
	case fi.Mode().IsRegular():
		return file
	case fi.IsDir():
		return directory
	}
	return special
}

// scripts finds the scripts in a folder.
type scripts struct {
	*folder
	prefix   string
	split    []string
	index    []string
	fallback string // its path without the first slash
	files    bool   // there is a handler of files
	seen     *seen
}

func newScripts(o *Options) (*scripts, error) {
	f, err := openFolder(o.Root)
	if err != nil {
		return nil, err
	}
	return &scripts{f, o.Prefix, o.Split, o.Index, strings.TrimPrefix(o.Fallback, "/"), o.Files != nil, newSeen()}, nil
}

// lookScript is look for what is named as scripts are.
func (s *scripts) lookScript(name string) what {
	if s.seen.lately(name) != nil {
		return file
	}
	at := s.look(name)
	if at == file {
		s.seen.note(name, nil)
	}
	return at
}

// find finds what a decoded path is for.
func (s *scripts) find(name string, dir bool) found {
	for end := 0; end < len(name); {
		end = nextEnd(name, end)
		first := name[:end]
		if isHidden(first) {
			return s.missing(name)
		}
		kind, disguised := s.named(first)
		if disguised {
			// Some file systems take "a.php." for a.php, whose source must not be served.
			return found{why: rule.ScriptMissing, how: path.Base(first) + " is another name of a script"}
		}
		if !kind {
			continue
		}
		switch s.lookScript(first) {
		case file:
			return found{kind: runScript, script: s.script(first, pathInfo(name[end:], dir)), direct: true}
		case special:
			return found{why: rule.ScriptOutside, how: s.file(first) + " is no regular file"}
		}
	}
	switch at := s.look(name); {
	case at == directory:
		return s.inFolder(name, dir)
	case at == special:
		return found{why: rule.ScriptOutside, how: s.file(name) + " is no regular file"}
	case at == file && s.files:
		return found{kind: serveFile, how: s.file(name) + " is a file and no script"}
	case at == file:
		return found{why: rule.ScriptMissing, how: s.file(name) + " is no script, and files are not served here"}
	}
	return s.missing(name)
}

// isHidden reports whether the last component of a path begins with a dot: what
// tools and editors leave there (.git, ._a.php) is not looked up, but for
// /.well-known (RFC 8615 §3).
func isHidden(name string) bool {
	return name[strings.LastIndexByte(name, '/')+1] == '.' && name != ".well-known"
}

// nextEnd returns where the next component of a path ends.
func nextEnd(name string, end int) int {
	if end > 0 {
		end++ // the slash
	}
	if i := strings.IndexByte(name[end:], '/'); i >= 0 {
		return end + i
	}
	return len(name)
}

// named reports whether a path ends as scripts' do, or would to a file system
// that ignores dots and spaces at the end, or what follows a colon.
func (s *scripts) named(name string) (is, disguised bool) {
	for _, ext := range s.split {
		if hasSuffixFold(name, ext) {
			return true, false
		}
		base := name[strings.LastIndexByte(name, '/')+1:]
		if i := strings.IndexByte(base, ':'); i >= 0 {
			base = base[:i]
		}
		if trimmed := strings.TrimRight(base, ". \t\x00"); len(trimmed) < len(name)-strings.LastIndexByte(name, '/')-1 && hasSuffixFold(trimmed, ext) {
			return false, true
		}
	}
	return false, false
}

func hasSuffixFold(s, suffix string) bool {
	return len(s) >= len(suffix) && field.EqualFold(s[len(s)-len(suffix):], suffix)
}

// inFolder is for a path that is a folder's.
func (s *scripts) inFolder(name string, dir bool) found {
	dir = dir || name == ""
	for _, index := range s.index {
		at := path.Join(name, index)
		if s.look(at) != file {
			continue
		}
		is, _ := s.named(at)
		switch {
		case !is && !s.files:
			continue
		case !dir:
			return found{kind: toFolder, how: s.file(name) + " is a folder with " + index}
		case is:
			return found{kind: runScript, script: s.script(at, ""), how: s.file(at) + " is the index of the folder"}
		}
		return found{kind: serveFile, how: s.file(at) + " is the index of the folder"}
	}
	if s.files && (s.fallback == "" || s.look(path.Join(name, "index.html")) == file) {
		return found{kind: serveFile, how: s.file(name) + " is a folder without a script"}
	}
	return s.missing(name)
}

// missing is for a path at which there is nothing.
func (s *scripts) missing(name string) found {
	if s.fallback != "" && s.lookScript(s.fallback) == file {
		return found{kind: runScript, script: s.script(s.fallback, ""), how: "there is no " + s.file(name) + ", and " + s.file(s.fallback) + " is the fallback"}
	}
	if is, _ := s.named(name); s.files && !is {
		return found{kind: serveFile, how: "there is no " + s.file(name)}
	}
	return found{why: rule.ScriptMissing, how: "there is no " + s.file(name)}
}

func (s *scripts) file(name string) string { return s.path + "/" + name }

// script is the one with a name, below the root.
func (s *scripts) script(name, info string) gateway.Script {
	return gateway.Script{Root: s.root.Name(), Name: s.prefix + "/" + name, File: s.file(name), PathInfo: info}
}

func pathInfo(rest string, dir bool) string {
	if dir {
		return rest + "/"
	}
	return rest
}
