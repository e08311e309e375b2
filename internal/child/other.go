//go:build !linux

package child

import (
	"errors"
	"fmt"
)

// errUnsupported is what Options ask for and only Linux has.
var errUnsupported = errors.New("not on this system")

// onlyPortable refuses what only Linux has.
func onlyPortable(o *Options) error {
	switch {
	case o.Limits.any():
		return fmt.Errorf("limits: %w", errUnsupported)
	case o.NoNetwork:
		return fmt.Errorf("no network: %w", errUnsupported)
	case o.Landlock != nil:
		return fmt.Errorf("landlock: %w", errUnsupported)
	case o.Cgroup != "" && o.Cgroup != "off" && o.Cgroup != "auto":
		return fmt.Errorf("cgroup: %w", errUnsupported)
	}
	return nil
}
