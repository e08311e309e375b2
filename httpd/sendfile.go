package httpd

import (
	"io"
	"os"
	"sync"
)

// copyBuffers are for bodies that cannot be handed to the kernel whole.
var copyBuffers = sync.Pool{New: func() any { b := make([]byte, 32<<10); return &b }}

// copyFile writes head, then size bytes of f from *off, by way of a buffer. A
// file that ends early is io.ErrUnexpectedEOF: the connection is then cut.
func (c *conn) copyFile(head []byte, f *os.File, off *int64, size int64) error {
	c.join()
	return c.unjoin(c.copyParts(head, f, off, size))
}

func (c *conn) copyParts(head []byte, f *os.File, off *int64, size int64) error {
	if err := c.writeAll(head); err != nil {
		return err
	}
	bp := copyBuffers.Get().(*[]byte)
	defer copyBuffers.Put(bp)
	for size > 0 {
		b := (*bp)[:min(int64(len(*bp)), size)]
		n, err := f.ReadAt(b, *off)
		if n == 0 {
			if err == io.EOF {
				err = io.ErrUnexpectedEOF
			}
			return err
		}
		if _, err := c.nc.Write(b[:n]); err != nil {
			return err
		}
		*off += int64(n)
		size -= int64(n)
		c.armSend()
	}
	return nil
}
