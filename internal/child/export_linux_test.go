package child

import "errors"

// LandlockABI and OwnCgroup are what tests ask of the machine.
var (
	LandlockABI = landlockABI
	OwnCgroup   = ownCgroup
)

// StartKeeper does what the first Start does before it starts a program.
var StartKeeper = guard.work

// WithoutNamespaces makes New believe that it may not make namespaces.
func WithoutNamespaces() (restore func()) {
	old := unshareNetwork
	unshareNetwork = func() error { return errors.ErrUnsupported }
	return func() { unshareNetwork = old }
}
