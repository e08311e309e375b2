//go:build !linux

package socketserver

import "net"

func newTCPListener(l net.Listener) net.Listener { return l }

func deferAccept(uintptr) {}
