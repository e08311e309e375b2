package child

// LandlockABI and OwnCgroup are what tests ask of the machine.
var (
	LandlockABI = landlockABI
	OwnCgroup   = ownCgroup
)

// WithoutNamespaces makes New believe that it may not make namespaces.
func WithoutNamespaces() (restore func()) {
	old := mayUnshare
	mayUnshare = func() bool { return false }
	return func() { mayUnshare = old }
}

// WithoutInjection makes New believe that children cannot set their own limits.
func WithoutInjection() (restore func()) {
	old := injects
	injects = false
	return func() { injects = old }
}
