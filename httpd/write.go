package httpd

import (
	"errors"
	"io"
	"time"

	"freshet/internal/rule"
)

// flush writes what is gathered and hands the records on. It is false when
// the connection is of no use any more.
func (c *conn) flush() bool {
	s := c.s
	if s == nil {
		return true
	}
	err := c.write()
	c.report(c.cutBy(err))
	return err == nil
}

// report hands the gathered records to the sink. cut is the rule by which
// writing them failed, 0 when it did not.
func (c *conn) report(cut rule.ID) {
	s := c.s
	if len(s.recs) == 0 {
		return
	}
	end := time.Now().UnixNano()
	for i := range s.recs {
		r := &s.recs[i]
		r.Duration = end - r.Start
		if cut != 0 && (cut != rule.StaticShrank || i == len(s.recs)-1) { // those before the file went out
			r.Rule = cut
		}
		c.srv.Sink.Record(r)
	}
	clear(s.recs)
	s.recs = s.recs[:0]
}

// cutBy says why an answer could not be written.
func (c *conn) cutBy(err error) rule.ID {
	switch {
	case err == nil:
		return 0
	case errors.Is(err, io.ErrUnexpectedEOF):
		return rule.StaticShrank
	case c.sc.Overdue():
		return rule.SendTimeout
	}
	return rule.ClientGone
}

// write writes what is gathered: out, then tail or the part of the file.
func (c *conn) write() (err error) {
	s := c.s
	switch {
	case len(s.out) == 0 && s.tail == nil && s.file == nil:
		return nil
	case c.raw != nil && s.file == nil:
		err = c.writeRaw()
	case s.file != nil:
		c.armSend()
		from := s.off
		err = c.sendFile(s.out, s.file, &s.off, s.size)
		if last := len(s.recs) - 1; err != nil && last >= 0 {
			s.recs[last].Bytes = s.off - from
		}
	default:
		c.armSend()
		if s.tail != nil || len(s.out) > recordMax {
			c.join()
		}
		if err = c.writeAll(s.out); err == nil && s.tail != nil {
			err = c.writeAll(s.tail)
		}
		err = c.unjoin(err)
	}
	c.sc.Disarm()
	s.out, s.tail = s.out[:0], nil
	s.dropFile()
	return err
}

// armSend starts the time in which the client must take something.
func (c *conn) armSend() {
	now, d := Monotonic(), c.srv.times.send
	if all := c.srv.WriteTimeout; all > 0 {
		left := max(time.Duration(c.read-now)+all, 1)
		if d = left; c.srv.times.send > 0 {
			d = min(d, c.srv.times.send)
		}
	}
	c.sc.Arm(now, d)
}

// writeAll writes b; the deadline is armed anew for each part taken.
func (c *conn) writeAll(b []byte) error {
	for len(b) > outMax {
		if _, err := c.nc.Write(b[:outMax]); err != nil {
			return err
		}
		b = b[outMax:]
		c.armSend()
	}
	_, err := c.nc.Write(b)
	return err
}
