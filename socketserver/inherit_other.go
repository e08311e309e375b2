//go:build !unix

package socketserver

import (
	"errors"
	"net"
)

// errNoInherited says that no sockets are handed over on this system.
var errNoInherited = errors.New("sockets are handed over on Unix systems only")

func keepFromChildren(int) {}

func isStream(int) (bool, error) { return false, errNoInherited }

func listenerOf(int) (net.Listener, error) { return nil, errNoInherited }

func packetConnOf(int) (net.PacketConn, error) { return nil, errNoInherited }
