package accesslog

import (
	"strconv"

	"freshet/internal/record"
)

// ncsa appends a line of the Common Log Format, and for Combined its two
// further columns and two of our own:
//
//	192.0.2.1 - ann [10/Oct/2000:13:55:36 -0700] "GET / HTTP/1.1" 200 2326 "http://a.example/" "curl/8" 0tnqsc0030004 hit
func (e *encoder) ncsa(dst []byte, f Format, r *record.Record, name string) []byte {
	switch {
	case name != "":
		dst = append(dst, name...)
	case r.Remote.IsValid():
		dst = appendAddr(dst, r.Remote.Addr())
	default:
		dst = append(dst, '-')
	}
	dst = append(dst, " - "...) // the second column was for identd (RFC 1413)
	if r.User != "" {
		dst = appendEscaped(dst, r.User, ' '+1)
	} else {
		dst = append(dst, '-')
	}
	dst = append(dst, ' ')
	dst = append(dst, e.stamp(f, r.Start)...)
	dst = append(dst, ` "`...)
	dst = appendRequestLine(dst, r)
	dst = append(dst, `" `...)
	dst = appendCount(dst, int64(r.Status))
	dst = append(dst, ' ')
	dst = appendCount(dst, r.Bytes)
	if f == Combined {
		dst = append(dst, ` "`...)
		dst = appendText(dst, r.Referer)
		dst = append(dst, `" "`...)
		dst = appendText(dst, r.Agent)
		dst = append(dst, `" `...)
		dst = appendID(dst, r.ID)
		dst = append(dst, ' ')
		dst = append(dst, r.Verdict.String()...)
	}
	return append(dst, '\n')
}

// appendRequestLine appends the request line as it came. HTTP/0.9 has a method
// and a target only, and a log analyser knows it by that.
func appendRequestLine(dst []byte, r *record.Record) []byte {
	if r.Method == "" {
		return append(dst, '-')
	}
	dst = appendEscaped(dst, r.Method, ' ')
	if r.Target != "" {
		dst = append(dst, ' ')
		dst = appendEscaped(dst, r.Target, ' ')
	}
	if r.Proto != "" && r.Proto != "HTTP/0.9" {
		dst = append(dst, ' ')
		dst = appendEscaped(dst, r.Proto, ' ')
	}
	return dst
}

func appendText(dst []byte, s string) []byte {
	if s == "" {
		return append(dst, '-')
	}
	return appendEscaped(dst, s, ' ')
}

// appendID appends the name of a request, which answers and explanations use.
func appendID(dst []byte, id record.ID) []byte {
	if id == 0 {
		return append(dst, '-')
	}
	return id.Append(dst)
}

func appendCount(dst []byte, n int64) []byte {
	if n <= 0 {
		return append(dst, '-')
	}
	return strconv.AppendInt(dst, n, 10)
}

const hexDigits = "0123456789abcdef"

// appendEscaped appends s with \xNN for quotes, backslashes, bytes from 0x7f
// up and bytes below least.
func appendEscaped(dst []byte, s string, least byte) []byte {
	from := 0
	for i := 0; i < len(s); i++ {
		c := s[i]
		if c >= least && c < 0x7f && c != '"' && c != '\\' {
			continue
		}
		dst = append(dst, s[from:i]...)
		dst = append(dst, '\\', 'x', hexDigits[c>>4], hexDigits[c&15])
		from = i + 1
	}
	return append(dst, s[from:]...)
}
