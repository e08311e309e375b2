//go:build !linux

package httpd

import (
	"net"
	"os"
	"syscall"
)

// rawConn returns nil where the engine reads and writes through net.Conn.
func rawConn(net.Conn) syscall.RawConn { return nil }

func (c *conn) onReadable(uintptr) bool { panic("httpd: no raw input on this system") }

func (c *conn) onWritable(uintptr) bool { panic("httpd: no raw output on this system") }

func (c *conn) writeRaw() error { panic("httpd: no raw output on this system") }

// sendFile writes head, then size bytes of f from *off, which advances.
func (c *conn) sendFile(head []byte, f *os.File, off *int64, size int64) error {
	return c.copyFile(head, f, off, size)
}
