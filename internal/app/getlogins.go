package app

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"

	"freshet/client"
)

// openLogins reads the file of logins, where one is asked for.
func (g *getting) openLogins() error {
	c := g.conf
	name := c.NetrcFile
	if name == "" && (c.Netrc || c.NetrcMaybe) {
		home := g.env.variable("HOME")
		if home == "" {
			home = g.env.variable("USERPROFILE")
		}
		name = filepath.Join(home, ".netrc")
	}
	if name == "" {
		return nil
	}
	text, err := os.ReadFile(name)
	if errors.Is(err, fs.ErrNotExist) && c.NetrcMaybe {
		return nil
	}
	if err != nil {
		return getFaultf(getReadError, "read logins: %s: %w; name another file with --netrc-file", name, cause(err))
	}
	if info, err := os.Stat(name); err == nil && runtime.GOOS != "windows" && info.Mode().Perm()&0o077 != 0 {
		g.tell("%s can be read by others (mode %04o); run chmod 600 on it", name, info.Mode().Perm())
	}
	if g.logins, err = client.ParseNetrc(string(text)); err != nil {
		return getFaultf(getReadError, "read logins: %s: %w", name, err)
	}
	return nil
}
