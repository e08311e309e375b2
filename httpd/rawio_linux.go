package httpd

// Input and output of plain connections, below net.Conn.
//
// A request on a kept-alive connection costs at least one read and one write.
// Go's usual loop adds a third system call, a read that only finds out that
// nothing more is there (EAGAIN) before the goroutine parks. It is saved here:
// both calls are made inside one RawConn.Read callback, and the callback says
// "wait" without that third read when the second read of the argument holds:
//
//   - The runtime's poller is edge-triggered and remembers an edge. RawConn.Read
//     forgets a remembered edge only before the callback's first call and when a
//     wait ends, never between a read here and the wait that follows it. So
//     input that arrives after the read wakes the wait.
//   - A read that returned fewer bytes than it had room for emptied the socket
//     (epoll(7), question 9). So nothing that was there before is left behind,
//
// but for one thing: a client that closed its side right behind the request.
// Data and end are then one edge, and the end is not seen. Two rules make up
// for it. The first request of a connection is followed by the third read, so
// that one-shot clients see their connection closed at once. After later ones
// the first deadline is one sweep away (phaseBusy), and when nothing has come
// by then the connection is read once more. A busy connection never gets there.
// One that does starts over on a new goroutine, for the stack of this one has
// grown and would stay so: an idle connection keeps 2 KiB of stack.
//
// The calls are made with RawSyscall, without telling the scheduler: on a
// non-blocking socket they return within microseconds.

import (
	"io"
	"net"
	"os"
	"syscall"
	"unsafe"
)

// rawConn returns the raw side of a TCP or Unix stream connection.
func rawConn(nc net.Conn) syscall.RawConn {
	switch nc.(type) {
	case *net.TCPConn, *net.UnixConn, earlyConn:
		if rc, err := nc.(syscall.Conn).SyscallConn(); err == nil {
			return rc
		}
	}
	return nil
}

// onReadable reads, answers on the hot path and writes, until there is
// something that it cannot do (then it leaves conn.next and returns true) or
// nothing left to read (then it returns false, which waits).
func (c *conn) onReadable(fd uintptr) (done bool) {
	for {
		s := c.take()
		room := s.room()
		n, errno := rawRead(fd, room)
		switch {
		case errno == syscall.EINTR:
			continue
		case errno == syscall.EAGAIN:
			return c.nothing()
		case errno != 0 || n == 0:
			c.next = stepEnd
			return true
		}
		s.w += n
		c.arrived()
		st := c.advance()
		for c.inside(st, fd) {
			st = c.advance()
		}
		switch {
		case st == stepClose && s.file == nil && c.flushRaw(fd):
			c.next = stepEnd
			return true
		case st != stepWait && st != stepMore || !c.flushRaw(fd):
			c.next = st
			return true
		}
		c.await(st)
		if st == stepWait && n < len(room) && c.served > 1 && !c.last {
			c.release()
			return false
		}
	}
}

// inside does a step that can be done inside the callback: writing what is
// gathered, and calling the handler for a request without a body. A handler
// that wants to read from the connection all the same (to hijack it, or to know
// that the client has gone) does so by a second descriptor: see dup.
func (c *conn) inside(st step, fd uintptr) (done bool) {
	switch {
	case st == stepFlush:
		return c.s.file == nil && c.flushRaw(fd)
	case st == stepHandle && c.s.head.ContentLength == 0 && c.raw != nil:
		c.locked = true
		ok := c.handle()
		c.locked = false
		c.over = !ok
		return true
	}
	return false
}

// nothing is what to do when there was nothing to read.
func (c *conn) nothing() (done bool) {
	if c.s.r == c.s.w {
		c.release()
	}
	if c.last {
		c.next = stepEnd
		return true
	}
	return false
}

// flushRaw writes what is gathered, when the kernel takes all of it at once.
// When not, what is left stays gathered, and it is false: flush goes on.
func (c *conn) flushRaw(fd uintptr) bool {
	s := c.s
	if len(s.out) == 0 && s.tail == nil {
		c.report(0) // of a handler that wrote all itself
		return true
	}
	if left, errno := c.writeSome(fd); left || errno != 0 {
		return false
	}
	c.report(0)
	return true
}

// writeSome writes what is gathered with one system call. What the kernel
// does not take stays gathered.
func (c *conn) writeSome(fd uintptr) (left bool, errno syscall.Errno) {
	s := c.s
	var n int
	if s.tail == nil {
		n, errno = rawWrite(fd, s.out)
	} else {
		n, errno = rawWritev(fd, s.out, s.tail)
	}
	if errno != 0 {
		return true, errno
	}
	if n < len(s.out) {
		s.out = s.out[:copy(s.out, s.out[n:])]
		return true, 0
	}
	n -= len(s.out)
	s.out = s.out[:0]
	if n < len(s.tail) {
		s.tail = s.tail[n:]
		return true, 0
	}
	s.tail = nil
	return false, 0
}

// writeRaw writes all that is gathered, waiting as long as the client takes
// some of it in time.
func (c *conn) writeRaw() error {
	c.writeErr = 0
	if err := c.raw.Write(c.writable); err != nil {
		return err
	}
	if c.writeErr != 0 {
		return c.writeErr
	}
	return nil
}

// onWritable is the callback of writeRaw.
func (c *conn) onWritable(fd uintptr) (done bool) {
	for {
		left, errno := c.writeSome(fd)
		switch {
		case errno == syscall.EINTR:
		case errno == syscall.EAGAIN:
			c.armSend()
			return false
		case errno != 0:
			c.writeErr = errno
			return true
		case !left:
			return true
		}
	}
}

func rawRead(fd uintptr, b []byte) (int, syscall.Errno) {
	n, _, errno := syscall.RawSyscall(syscall.SYS_READ, fd, uintptr(unsafe.Pointer(unsafe.SliceData(b))), uintptr(len(b)))
	return int(n), errno
}

func rawWrite(fd uintptr, b []byte) (int, syscall.Errno) {
	n, _, errno := syscall.RawSyscall(syscall.SYS_WRITE, fd, uintptr(unsafe.Pointer(unsafe.SliceData(b))), uintptr(len(b)))
	return int(n), errno
}

func rawWritev(fd uintptr, a, b []byte) (int, syscall.Errno) {
	iov := [2]syscall.Iovec{{Base: unsafe.SliceData(a)}, {Base: unsafe.SliceData(b)}}
	iov[0].SetLen(len(a))
	iov[1].SetLen(len(b))
	n, _, errno := syscall.RawSyscall(syscall.SYS_WRITEV, fd, uintptr(unsafe.Pointer(&iov)), uintptr(len(iov)))
	return int(n), errno
}

// sendfileMax bounds one sendfile call, so that a deadline can be armed anew
// as a slow client takes a large file.
const sendfileMax = 4 << 20

// sendFile writes head, then size bytes of f from *off, which advances. The
// kernel is told with MSG_MORE that more follows the head, and copies the file
// itself, from an explicit offset: other readers of f are not disturbed. A
// file that ends early is io.ErrUnexpectedEOF: the connection is then cut.
func (c *conn) sendFile(head []byte, f *os.File, off *int64, size int64) error {
	if c.raw == nil {
		return c.copyFile(head, f, off, size)
	}
	src, err := f.SyscallConn()
	if err != nil {
		return err
	}
	var fault error
	err = src.Control(func(in uintptr) {
		werr := c.raw.Write(func(fd uintptr) bool {
			done := false
			done, fault = c.sendSome(fd, in, &head, off, &size)
			return done
		})
		if fault == nil {
			fault = werr
		}
	})
	if fault == nil {
		fault = err
	}
	return fault
}

// sendSome sends until all is sent, or there is a fault, or the socket's
// buffer is full: only then it is not done.
func (c *conn) sendSome(fd, in uintptr, head *[]byte, off, size *int64) (done bool, fault error) {
	flags := uintptr(syscall.MSG_NOSIGNAL)
	if *size > 0 {
		flags |= syscall.MSG_MORE // without it behind, the head would wait for 200 ms
	}
	for len(*head) > 0 {
		b := *head
		n, _, errno := syscall.RawSyscall6(syscall.SYS_SENDTO, fd, uintptr(unsafe.Pointer(unsafe.SliceData(b))), uintptr(len(b)), flags, 0, 0)
		switch errno {
		case 0:
			*head = b[n:]
		case syscall.EINTR:
		case syscall.EAGAIN:
			return false, nil
		default:
			return true, errno
		}
	}
	for *size > 0 {
		n, err := syscall.Sendfile(int(fd), int(in), off, int(min(*size, sendfileMax)))
		switch {
		case err == syscall.EINTR:
		case err == syscall.EAGAIN:
			return false, nil
		case err != nil:
			return true, err
		case n == 0:
			return true, io.ErrUnexpectedEOF
		default:
			*size -= int64(n)
			c.armSend()
		}
	}
	return true, nil
}
