package fastcgi

import "encoding/binary"

// demux takes the records of one answer apart. It is fed what a connection
// yields, in pieces of any length, and holds no more than a header.
//
//	d := demux{stderr: f}
//	n, err := d.feed(b) // b[:n] is now the content of STDOUT that was in b
//	if d.ended { … }
type demux struct {
	stderr func([]byte) // gets the content of FCGI_STDERR

	ended    bool // END_REQUEST has come
	protocol byte // its protocolStatus
	app      uint32
	trailing bool // something followed it

	stdoutEnded bool
	kind        byte // of the record that is being read; 0: its header is
	content     int  // octets left of it
	padding     int
	held        [headerLen]byte // a header, or END_REQUEST's body, that came in pieces
	nheld       int
}

// feed takes b apart. It moves the content of STDOUT to the front of b, and
// returns how much that is. After an error the connection is of no use.
func (d *demux) feed(b []byte) (n int, err error) {
	for i := 0; i < len(b); {
		if d.ended {
			d.trailing = d.trailing || d.padding < len(b)-i
			d.padding = max(d.padding-(len(b)-i), 0)
			return n, nil
		}
		if d.kind == 0 {
			used, whole := d.hold(b[i:])
			i += used
			if !whole {
				return n, nil
			}
			if err := d.header(); err != nil {
				return n, err
			}
			continue
		}
		piece := b[i:min(i+d.content, len(b))]
		switch {
		case d.kind == typeEnd && d.content > 0:
			used, whole := d.hold(b[i:])
			i += used
			if whole {
				d.content = 0
				d.end()
			}
			continue
		case d.kind == typeStdout:
			n += copy(b[n:], piece)
		case d.kind == typeStderr && d.stderr != nil && len(piece) > 0:
			d.stderr(piece)
		}
		i += len(piece)
		d.content -= len(piece)
		if d.content == 0 {
			skip := min(d.padding, len(b)-i)
			i += skip
			if d.padding -= skip; d.padding == 0 {
				d.kind = 0
			}
		}
	}
	return n, nil
}

// hold gathers eight octets.
func (d *demux) hold(b []byte) (used int, whole bool) {
	used = copy(d.held[d.nheld:], b)
	d.nheld += used
	if d.nheld < headerLen {
		return used, false
	}
	d.nheld = 0
	return used, true
}

// header looks at a header that has come.
func (d *demux) header() error {
	h := &d.held
	kind, id := h[1], binary.BigEndian.Uint16(h[2:])
	d.content, d.padding = int(binary.BigEndian.Uint16(h[4:])), int(h[6])
	switch {
	case h[0] != version1:
		return faultyf("a record of version %d, which begins with %q", h[0], h[:])
	case id != requestID:
		return faultyf("a record of type %d for request %d, which was not made", kind, id)
	}
	switch kind {
	case typeStdout:
		if d.stdoutEnded && d.content > 0 {
			return faultyf("output after the end of output")
		}
		d.stdoutEnded = d.stdoutEnded || d.content == 0
	case typeStderr:
	case typeEnd:
		if d.content != endBodyLen {
			return faultyf("END_REQUEST with %d octets, and not 8", d.content)
		}
	default:
		return faultyf("a record of type %d, which backends do not send", kind)
	}
	if d.content > 0 || d.padding > 0 {
		d.kind = kind
	}
	return nil
}

// end looks at the body of END_REQUEST (§5.5).
func (d *demux) end() {
	d.ended = true
	d.app = binary.BigEndian.Uint32(d.held[:])
	d.protocol = d.held[4]
}
