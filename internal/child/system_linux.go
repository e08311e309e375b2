package child

import (
	"errors"
	"fmt"
	"os"
	"strings"
	"syscall"

	"golang.org/x/sys/unix"
)

// system is the Linux side of a Spawner.
type system struct {
	options    Options
	credential *syscall.Credential // nil: as we are
	confined   bool                // children set no_new_privs
	limits     []limit             // each child sets them for itself
	network    network
	rules      int // descriptor of the Landlock rule set, or -1
	groups     *groups
	null       *os.File
	nullFD     int
	table      []uint64 // slots of the keeper's table
	guarded    bool     // the keeper and the family count us
	birthing
}

func newSystem(o *Options) (*system, error) {
	y := &system{options: *o, rules: -1}
	if err := y.prepare(); err != nil {
		_ = y.close()
		return nil, err
	}
	return y, nil
}

// prepare finds out what can be had, in the order in which one depends on
// another; what it got before an error close gives back.
func (y *system) prepare() (err error) {
	o := &y.options
	if y.credential, err = credentialOf(o); err != nil {
		return err
	}
	y.confined = os.Geteuid() != 0 || !o.AllowRoot
	if y.null, err = os.OpenFile(os.DevNull, os.O_RDWR, 0); err != nil {
		return err
	}
	y.nullFD = int(y.null.Fd())
	kin.join(y.credential)
	if y.table, err = guard.join(o.Slots); err != nil {
		kin.leave(y.credential)
		return err
	}
	y.guarded = true
	kin.expect(y.table)
	if y.groups, err = newGroups(o); err != nil {
		return err
	}
	y.limits = limitsOf(o.Limits, y.groups)
	if err := bound(y.limits); err != nil {
		return err
	}
	if err := y.sandbox(); err != nil {
		return err
	}
	return y.find()
}

// credentialOf decides who programs run as, and refuses root.
func credentialOf(o *Options) (*syscall.Credential, error) {
	u := o.User
	if os.Geteuid() != 0 {
		if u == nil || int(u.UID) == os.Geteuid() && int(u.GID) == os.Getegid() {
			return nil, nil
		}
		return nil, fmt.Errorf("as user %s (%d): only root can choose a user", u.Name, u.UID)
	}
	if (u == nil || u.UID == 0) && !o.AllowRoot {
		return nil, ErrRoot
	}
	if u == nil {
		return nil, nil
	}
	if u.UID != 0 && !hasCapability(unix.CAP_KILL) {
		return nil, fmt.Errorf("as user %s (%d): without CAP_KILL its programs could not be ended", u.Name, u.UID)
	}
	return &syscall.Credential{Uid: u.UID, Gid: u.GID, Groups: u.Groups}, nil
}

// close gives back what prepare got, after the last child.
func (y *system) close() error {
	var faults []error
	if y.groups != nil {
		faults = append(faults, y.groups.close())
	}
	if y.guarded {
		kin.dismiss(y.table)
		guard.leave(y.table)
		kin.leave(y.credential)
	}
	y.network.close()
	if y.rules >= 0 {
		_ = unix.Close(y.rules)
	}
	if y.null != nil {
		faults = append(faults, y.null.Close())
	}
	return errors.Join(faults...)
}

// describe is what Spawner.Describe says.
func (y *system) describe() string {
	o := &y.options
	var parts []string
	switch {
	case o.User != nil:
		parts = append(parts, fmt.Sprintf("user %s (%d)", o.User.Name, o.User.UID))
	default:
		parts = append(parts, fmt.Sprintf("user %d (ours)", os.Geteuid()))
	}
	parts = append(parts, describeLimits(o.Limits, y.groups))
	if y.groups != nil {
		parts = append(parts, "cgroup "+y.groups.base)
	} else {
		parts = append(parts, "process group")
	}
	parts = append(parts, y.network.describe(o.NoNetwork))
	if o.Landlock != nil {
		parts = append(parts, fmt.Sprintf("landlock %d", landlockABI()))
	}
	if y.confined {
		parts = append(parts, "no new privileges")
	}
	return strings.Join(parts, ", ")
}
