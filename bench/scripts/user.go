package main

import (
	"os"
	osuser "os/user"
	"strconv"
)

// user is whom servers and scripts run as when we are root. All servers are
// started as that user, so that none has to change what its scripts run as.
type user struct {
	name     string
	uid, gid int
}

// findUser returns the user that web servers have, nil when we are not root.
func findUser() (*user, error) {
	if os.Getuid() != 0 {
		return nil, nil
	}
	found, err := osuser.Lookup("www-data")
	if err != nil {
		if found, err = osuser.Lookup("nobody"); err != nil {
			return nil, err
		}
	}
	uid, err := strconv.Atoi(found.Uid)
	if err != nil {
		return nil, err
	}
	gid, err := strconv.Atoi(found.Gid)
	return &user{found.Username, uid, gid}, err
}

// command returns the command line that runs args as the user. setpriv
// replaces itself by the program, and keeps the signal that ends it with us.
func (u *user) command(args []string) []string {
	if u == nil {
		return args
	}
	return append([]string{"setpriv", "--reuid", strconv.Itoa(u.uid), "--regid", strconv.Itoa(u.gid), "--clear-groups", "--pdeathsig", "TERM"}, args...)
}

// folder makes a temporary folder that the user may write.
func (u *user) folder(parent, pattern string) (string, error) {
	dir, err := os.MkdirTemp(parent, pattern)
	if err != nil || u == nil {
		return dir, err
	}
	return dir, os.Chown(dir, u.uid, u.gid)
}
