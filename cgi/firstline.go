package cgi

import (
	"bytes"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"runtime"

	"freshet/internal/rule"
)

// What the system says of a script that it cannot start, it says of the script
// ("no such file or directory"), though mostly it means the script's first line.
// People look for the file then, and find it. Here that line is read, after a
// failure and for explanations only.

// firstLine is how much of a file the system looks at for its interpreter
// (BINPRM_BUF_SIZE of Linux; elsewhere it is less).
const firstLine = 256

// unstartable says what is wrong with the beginning of a program's file; "" when
// nothing is known to be.
func unstartable(file string) string {
	if runtime.GOOS == "windows" {
		return "" // which looks at names, and not at first lines
	}
	f, err := os.Open(file)
	if err != nil {
		return ""
	}
	defer f.Close()
	b, err := io.ReadAll(io.LimitReader(f, firstLine))
	if err != nil {
		return ""
	}
	return badBeginning(b, exists)
}

func exists(file string) bool {
	_, err := os.Stat(file)
	return !os.IsNotExist(err)
}

// badBeginning is unstartable for the first bytes of a file.
func badBeginning(b []byte, exists func(string) bool) string {
	switch {
	case len(b) == 0:
		return "the file is empty"
	case bytes.HasPrefix(b, []byte("\xef\xbb\xbf#!")):
		return "a byte order mark stands before its first line: save it without one"
	case !bytes.HasPrefix(b, []byte("#!")) && bytes.IndexByte(b, 0) >= 0:
		return "" // not a script
	case !bytes.HasPrefix(b, []byte("#!")):
		return "it does not begin with #! and its interpreter, as in #!/bin/sh"
	}
	line, _, whole := bytes.Cut(b, []byte("\n"))
	if !whole && len(b) == firstLine {
		return ""
	}
	words := bytes.Fields(line[len("#!"):])
	if len(words) == 0 {
		return "its first line names no interpreter"
	}
	interpreter := string(words[0])
	switch {
	case bytes.HasSuffix(line, []byte("\r")) && (len(words) == 1 || path.Base(interpreter) == "env"):
		return fmt.Sprintf("its first line ends in CR LF, so that its interpreter would be %q: save it with LF alone", string(words[len(words)-1])+"\r")
	case !filepath.IsAbs(interpreter):
		return fmt.Sprintf("its first line names %q, which is not an absolute path", interpreter)
	case !exists(interpreter):
		return fmt.Sprintf("its first line names %s, which does not exist", interpreter)
	}
	return ""
}

// whyNotRun is what can be said of a program that was not started, or ended
// without an answer, beside what the system says; "" for nothing.
func (p *program) whyNotRun(id rule.ID) string {
	switch id {
	case rule.ScriptNotStarted, rule.ScriptNoHead:
		return unstartable(p.file)
	case rule.ScriptNotExecutable:
		why := "who programs run as may not execute it or its interpreter, or not enter a folder on the way there"
		if fi, err := os.Stat(p.file); err == nil && fi.Mode()&fs.ModePerm&0o001 == 0 {
			why = "who programs run as may not execute it"
		}
		return why
	}
	return ""
}
