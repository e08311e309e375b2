package cgi

import (
	"io/fs"
	"os"

	"freshet/internal/rule"
)

// guard is what is known of who may change a program: it is shown each folder
// on the way to its file, and the file at last.
type guard struct {
	owner uint32 // of Options.Dir
	wrong string // the first that others may change; "" when there is none
	last  fs.FileInfo
	path  string // of last
}

// begin looks at Options.Dir.
func (g *guard) begin(h *Handler) error {
	fi, err := os.Stat(h.o.Dir)
	if err != nil {
		return err
	}
	g.owner = ownerOf(fi)
	g.passed(h.o.Dir, fi)
	return nil
}

// passed is told of a folder, or the file.
func (g *guard) passed(path string, fi fs.FileInfo) {
	g.last, g.path = fi, path
	if g.wrong != "" {
		return
	}
	switch owner := ownerOf(fi); {
	case writableByOthers(fi):
		g.wrong = path + " may be written by its group or by everybody"
	case owner != 0 && owner != g.owner && owner != self:
		g.wrong = path + " is owned by somebody else than root, the server or the owner of the folder of programs"
	}
}

// judge says why the file that was passed last is not run; 0 when it is.
func (g *guard) judge(h *Handler) (rule.ID, string) {
	switch {
	case g.wrong != "" && !h.o.AllowWritable:
		return rule.ScriptWritable, g.wrong
	case !executable(g.last):
		return rule.ScriptNotExecutable, g.path
	}
	return 0, ""
}
