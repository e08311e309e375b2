package app

import (
	"path/filepath"
	"strings"
)

// variable returns a variable of the environment.
func (e *Env) variable(name string) string {
	for i := len(e.Environ) - 1; i >= 0; i-- {
		if n, value, _ := strings.Cut(e.Environ[i], "="); n == name {
			return value
		}
	}
	return ""
}

// userFolder returns the folder of this program below one that a variable of
// the XDG base directories names, else below a folder at home; "" without both.
func userFolder(environ []string, variable, atHome string) string {
	e := Env{Environ: environ}
	if base := e.variable(variable); filepath.IsAbs(base) { // a relative one is to be ignored
		return filepath.Join(base, "freshet")
	}
	if home := e.variable("HOME"); filepath.IsAbs(home) {
		return filepath.Join(home, atHome, "freshet")
	}
	return ""
}
