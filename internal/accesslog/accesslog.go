// Package accesslog turns the records of answered requests into lines and
// gets the lines to a file or a stream: NCSA Common and Combined, as Apache
// writes them (Combined with two columns more at its end), and JSON.
//
//	l, err := accesslog.Open("/var/log/freshet/access.log", accesslog.Combined)
//	…
//	srv := &httpd.Server{Handler: h, Sink: l}
//	…
//	l.Close()
//
// It is deliberately not a logger of events: those go to log/slog. It does not
// rotate files either; whoever renames one calls [Logger.Reopen] afterwards.
//
// Nothing that a client sends can forge a line or a column of one: see
// [Append]. No request ever waits for the disk: see [Logger].
package accesslog

import (
	"fmt"
	"net/netip"
	"time"

	"freshet/internal/record"
)

// Format is the form of a line. The zero value is Combined.
type Format uint8

// The formats.
const (
	Combined Format = iota // Common, then Referer and User-Agent, quoted, then the request's name and verdict
	Common                 // host - user [time] "request line" status bytes
	JSON                   // one object a line
)

var formatNames = [...]string{Combined: "combined", Common: "common", JSON: "json"}

// String returns the name that ParseFormat takes.
func (f Format) String() string {
	if int(f) < len(formatNames) {
		return formatNames[f]
	}
	return fmt.Sprintf("Format(%d)", uint8(f))
}

// ParseFormat returns the format of that name: common, combined or json.
func ParseFormat(name string) (Format, error) {
	for f, n := range formatNames {
		if n == name {
			return Format(f), nil
		}
	}
	return 0, fmt.Errorf("unknown log format %q: common, combined and json are known", name)
}

// Append appends the line of r, with its line feed, to dst.
//
// In the NCSA formats a quote, a backslash, a control character and a byte
// from 0x7f up are written as \xNN, and in the user's name a space too, so that
// a line has the columns that it seems to have. What is absent is "-"; so is a
// status of 0 and, as Apache's %b has it, a body of 0 bytes. The time is local.
//
// Combined ends with two columns that Apache's does not have: the name of the
// request (13 characters, what freshet why and the field Freshet-Id know it by;
// "-" without one) and its verdict (a word: hit, miss, file, …). They come
// last, as the byte counts of Apache's combinedio do, because what reads logs
// takes the columns that it knows from the left and leaves the rest of the line
// alone. What insists on the end of the line can be given Common, which is to
// the letter.
//
// A JSON line is always valid UTF-8 (what is not becomes U+FFFD) and always has
// the same members: time (RFC 3339, UTC, milliseconds), id (the name of the
// request), remote, user, method, target, proto, host, status, bytes,
// duration_us, waited_us (of the duration: until the answer began), verdict,
// rule (its name), referer, agent. What is absent is "" or 0. A member name
// follows remote when the name of the client is known.
func Append(dst []byte, f Format, r *record.Record) []byte {
	var e encoder
	return e.line(dst, f, r, "")
}

// An encoder writes lines and keeps the text of the last second that it wrote,
// because nearly every line needs the same one.
type encoder struct {
	second int64 // since 1970
	form   Format
	n      int
	text   [40]byte
}

func (e *encoder) line(dst []byte, f Format, r *record.Record, name string) []byte {
	if f == JSON {
		return e.json(dst, r, name)
	}
	return e.ncsa(dst, f, r, name)
}

// stamp returns the text of the second in which the moment ns (nanoseconds
// since 1970) lies, in the manner of f.
func (e *encoder) stamp(f Format, ns int64) []byte {
	second := ns / int64(time.Second)
	if e.n > 0 && e.second == second && e.form == f {
		return e.text[:e.n]
	}
	var b []byte
	if f == JSON {
		b = time.Unix(second, 0).UTC().AppendFormat(e.text[:0], "2006-01-02T15:04:05.")
	} else {
		b = time.Unix(second, 0).AppendFormat(e.text[:0], "[02/Jan/2006:15:04:05 -0700]")
	}
	e.second, e.form, e.n = second, f, len(b)
	return b
}

// appendAddr appends an address as logs have it: an IPv4 address that reached
// an IPv6 socket is written as IPv4.
func appendAddr(dst []byte, a netip.Addr) []byte {
	if !a.IsValid() {
		return dst
	}
	return a.Unmap().AppendTo(dst)
}
