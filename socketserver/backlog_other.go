//go:build !unix

package socketserver

import "net"

// setBacklog does nothing where the system offers no way to change it.
func setBacklog(net.Listener, int) error { return nil }
