package child

import (
	"fmt"
	"os/user"
	"strconv"
)

// User is who a program runs as.
type User struct {
	UID, GID uint32
	Groups   []uint32 // supplementary groups
	Name     string
	Home     string
}

// LookupUser finds a user by name or number. A number that no user has is an
// error, too: its groups cannot be known.
func LookupUser(name string) (*User, error) {
	found, err := user.Lookup(name)
	if err != nil {
		byNumber, other := user.LookupId(name)
		if other != nil {
			return nil, fmt.Errorf("look up user %q: %w", name, err)
		}
		found = byNumber
	}
	u := &User{Name: found.Username, Home: found.HomeDir}
	if u.UID, err = number(found.Uid); err != nil {
		return nil, fmt.Errorf("look up user %q: %w", name, err)
	}
	if u.GID, err = number(found.Gid); err != nil {
		return nil, fmt.Errorf("look up user %q: %w", name, err)
	}
	groups, err := found.GroupIds()
	if err != nil {
		return nil, fmt.Errorf("look up groups of user %q: %w", name, err)
	}
	for _, g := range groups {
		id, err := number(g)
		if err != nil {
			return nil, fmt.Errorf("look up groups of user %q: %w", name, err)
		}
		u.Groups = append(u.Groups, id)
	}
	return u, nil
}

// number reads a numeric id; Windows has others.
func number(s string) (uint32, error) {
	n, err := strconv.ParseUint(s, 10, 32)
	return uint32(n), err
}
