package socketserver

import (
	"fmt"
	"net"
	"os"
	"strconv"
	"strings"
	"sync"
)

// activationEnv are the variables by which a service manager says which sockets
// it hands over (sd_listen_fds(3)).
var activationEnv = []string{"LISTEN_PID", "LISTEN_FDS", "LISTEN_FDNAMES", "LISTEN_PIDFDID"}

// firstActivated is the first descriptor that is handed over.
const firstActivated = 3

// maxActivated bounds LISTEN_FDS.
const maxActivated = 1024

// unnamed is the name of sockets without one.
const unnamed = "unknown"

// handedOver are the sockets that this process was started with. They belong to
// the process, and stay open: listeners are made of copies, so that one can be
// closed and opened again.
var handedOver struct {
	once  sync.Once
	all   []activated
	fault error
}

type activated struct {
	name string
	fd   int
}

// handed returns what was handed over. The first call unsets the variables, so
// that programs that this process starts do not think that they are meant.
func handed() ([]activated, error) {
	h := &handedOver
	h.once.Do(func() {
		h.all, h.fault = parseActivation(os.Getenv, os.Getpid())
		for _, name := range activationEnv {
			os.Unsetenv(name)
		}
		for _, a := range h.all {
			keepFromChildren(a.fd)
		}
	})
	return h.all, h.fault
}

// parseActivation reads the variables. Those for another process mean nothing.
func parseActivation(getenv func(string) string, pid int) ([]activated, error) {
	if p, err := strconv.Atoi(getenv("LISTEN_PID")); err != nil || p != pid {
		return nil, nil
	}
	n, err := strconv.Atoi(getenv("LISTEN_FDS"))
	if err != nil || n < 0 || n > maxActivated {
		return nil, fmt.Errorf("LISTEN_FDS=%q is not a number from 0 to %d", getenv("LISTEN_FDS"), maxActivated)
	}
	var names []string
	if v := getenv("LISTEN_FDNAMES"); v != "" {
		if names = strings.Split(v, ":"); len(names) != n {
			return nil, fmt.Errorf("LISTEN_FDNAMES has %d names for %d sockets", len(names), n)
		}
	}
	all := make([]activated, n)
	for i := range all {
		all[i] = activated{unnamed, firstActivated + i}
		if names != nil {
			all[i].name = names[i]
		}
	}
	return all, nil
}

// ActivatedNames returns the names of the sockets that a service manager handed
// over (systemd's socket activation), in the order of their descriptors. Sockets
// that it gave no name are "unknown"; several may have one name.
func ActivatedNames() ([]string, error) {
	all, err := handed()
	names := make([]string, len(all))
	for i, a := range all {
		names[i] = a.name
	}
	return names, err
}

// Activated returns listeners for the stream sockets of a name, or for all with
// the name "", that a service manager handed over: TCP and Unix, in the order of
// their descriptors. It returns none when this process was not started so.
//
// The sockets stay open for the life of the process, and each call returns new
// copies, which are the caller's to close. The first call of this function, or of
// one of its like, unsets LISTEN_PID, LISTEN_FDS and LISTEN_FDNAMES; the
// descriptors are not passed on to programs that this process starts.
func Activated(name string) ([]net.Listener, error) {
	var all []net.Listener
	err := eachActivated(name, func(a activated) error {
		if stream, err := isStream(a.fd); err != nil || !stream {
			return err
		}
		l, err := listenerOf(a.fd)
		if err == nil {
			all = append(all, l)
		}
		return err
	})
	if err != nil {
		for _, l := range all {
			l.Close()
		}
		return nil, err
	}
	return all, nil
}

// ActivatedPackets is Activated for datagram sockets: UDP, Unix datagrams.
func ActivatedPackets(name string) ([]net.PacketConn, error) {
	var all []net.PacketConn
	err := eachActivated(name, func(a activated) error {
		if stream, err := isStream(a.fd); err != nil || stream {
			return err
		}
		pc, err := packetConnOf(a.fd)
		if err == nil {
			all = append(all, pc)
		}
		return err
	})
	if err != nil {
		for _, pc := range all {
			pc.Close()
		}
		return nil, err
	}
	return all, nil
}

func eachActivated(name string, f func(activated) error) error {
	handed, err := handed()
	if err != nil {
		return err
	}
	for _, a := range handed {
		if name != "" && name != a.name {
			continue
		}
		if err := f(a); err != nil {
			return fmt.Errorf("socket %q, descriptor %d: %w", a.name, a.fd, err)
		}
	}
	return nil
}

// listenActivated is Listen("systemd:NAME"): there must be one such socket.
func listenActivated(name string) (net.Listener, error) {
	all, err := Activated(name)
	if err != nil {
		return nil, err
	}
	if len(all) == 1 && name != "" {
		return all[0], nil
	}
	for _, l := range all {
		l.Close()
	}
	if len(all) > 1 && name != "" {
		return nil, fmt.Errorf("listen systemd:%s: %d sockets have this name (fd:N tells them apart)", name, len(all))
	}
	names, _ := ActivatedNames()
	if len(names) == 0 {
		return nil, fmt.Errorf("listen systemd:%s: this process was not handed any socket (LISTEN_FDS)", name)
	}
	return nil, fmt.Errorf("listen systemd:%s: no listening socket has this name; there are %s", name, strings.Join(names, ", "))
}

// listenFD is Listen("fd:3"). The descriptor stays open, as an activated one.
func listenFD(number string) (net.Listener, error) {
	fd, err := strconv.ParseUint(number, 10, 31)
	if err != nil {
		return nil, fmt.Errorf("listen fd:%s: not the number of a descriptor", number)
	}
	l, err := listenerOf(int(fd))
	if err != nil {
		return nil, fmt.Errorf("listen fd:%d: %w", fd, err)
	}
	keepFromChildren(int(fd))
	_, _ = handed() // it may be one of those: then the variables have been heard
	return l, nil
}
