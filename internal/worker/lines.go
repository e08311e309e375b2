package worker

import "bytes"

// splitter makes lines of what a program prints, and gives each to line; the
// slice is line's own.
type splitter struct {
	line func(text []byte, part bool)
	rest []byte
	cr   bool // the last octet was a CR, which ended a line
}

// Write takes octets as they come.
func (s *splitter) Write(b []byte) {
	for len(b) > 0 {
		if s.cr && b[0] == '\n' { // of a CR LF
			b = b[1:]
		}
		s.cr = false
		end := bytes.IndexAny(b, "\r\n")
		text := b
		if end >= 0 {
			text = b[:end]
		}
		for len(s.rest)+len(text) > maxLine {
			n := maxLine - len(s.rest)
			s.cut(text[:n], true)
			text = text[n:]
		}
		if end < 0 {
			s.rest = append(s.rest, text...)
			return
		}
		s.cut(text, false)
		s.cr = b[end] == '\r'
		b = b[end+1:]
	}
}

// Close gives away a line without an end.
func (s *splitter) Close() {
	if len(s.rest) > 0 {
		s.cut(nil, false)
	}
}

func (s *splitter) cut(text []byte, part bool) {
	line := make([]byte, 0, len(s.rest)+len(text))
	line = append(append(line, s.rest...), text...)
	s.rest = s.rest[:0]
	s.line(line, part)
}
