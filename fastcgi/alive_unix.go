//go:build linux || darwin || freebsd || netbsd || openbsd || dragonfly

package fastcgi

import "freshet/internal/outbound"

// look peeks into the socket. Nothing to read is what should be
// found: the end means that the backend closed it, and data that it sent more
// than an answer, which must not become the beginning of the next one.
func (c *conn) look(fd uintptr) { c.silent = outbound.Silent(fd) }
