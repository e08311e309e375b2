//go:build unix

package app

import (
	"fmt"
	"os"
	"path/filepath"
	"syscall"

	"freshet/internal/child"
)

// unprivileged is who programs run as that root starts, when nothing else is
// said.
const unprivileged = "nobody"

// whoWorks is who workers run as when nothing else is said.
func whoWorks() string {
	if os.Geteuid() == 0 {
		return unprivileged
	}
	return ""
}

// mayEnter says which folder on the way to dir the user of programs may not
// enter, so that none of them could be run. Only root runs programs as somebody
// else.
func mayEnter(dir, name string) error {
	if os.Geteuid() != 0 {
		return nil
	}
	if name == "" {
		name = unprivileged
	}
	u, err := child.LookupUser(name)
	if err != nil {
		return nil // what is wrong with it is told by who starts programs
	}
	dir, err = filepath.EvalSymlinks(absoluteOf(dir))
	if err != nil {
		return err
	}
	var shut string
	for at := dir; ; at = filepath.Dir(at) {
		fi, err := os.Stat(at)
		if err != nil {
			return err
		}
		if !enters(u, fi) {
			shut = at // the first from the root on is what is told
		}
		if at == filepath.Dir(at) {
			break
		}
	}
	if shut == "" {
		return nil
	}
	return fmt.Errorf("programs in %s would run as user %s, who may not enter %s; move the folder, say who they run as with cgi-user, or let others enter (chmod o+x %s)", dir, name, shut, shut)
}

// othersWrite reports whether others than its owner may change what is in a
// folder.
func othersWrite(fi os.FileInfo) bool { return fi.Mode().Perm()&0o022 != 0 }

// enters reports whether a user may look up names in a folder, as far as its
// mode says.
func enters(u *child.User, fi os.FileInfo) bool {
	st, ok := fi.Sys().(*syscall.Stat_t)
	if !ok {
		return true
	}
	mode := fi.Mode().Perm()
	switch {
	case st.Uid == u.UID:
		return mode&0o100 != 0
	case st.Gid == u.GID:
		return mode&0o010 != 0
	}
	for _, g := range u.Groups {
		if st.Gid == g {
			return mode&0o010 != 0
		}
	}
	return mode&0o001 != 0
}
