package accesslog

import (
	"strconv"
	"time"
	"unicode/utf8"

	"freshet/internal/record"
)

// json appends r as one JSON object and a line feed.
func (e *encoder) json(dst []byte, r *record.Record, name string) []byte {
	dst = append(dst, `{"time":"`...)
	dst = append(dst, e.stamp(JSON, r.Start)...)
	ms := r.Start % int64(time.Second) / int64(time.Millisecond)
	dst = append(dst, byte('0'+ms/100), byte('0'+ms/10%10), byte('0'+ms%10))
	dst = append(dst, `Z","id":"`...)
	if r.ID != 0 {
		dst = r.ID.Append(dst)
	}
	dst = append(dst, `","remote":"`...)
	dst = appendAddr(dst, r.Remote.Addr())
	dst = append(dst, '"')
	if name != "" {
		dst = appendMember(dst, `,"name":`, name)
	}
	dst = appendMember(dst, `,"user":`, r.User)
	dst = appendMember(dst, `,"method":`, r.Method)
	dst = appendMember(dst, `,"target":`, r.Target)
	dst = appendMember(dst, `,"proto":`, r.Proto)
	dst = appendMember(dst, `,"host":`, r.Host)
	dst = strconv.AppendInt(append(dst, `,"status":`...), int64(r.Status), 10)
	dst = strconv.AppendInt(append(dst, `,"bytes":`...), r.Bytes, 10)
	dst = strconv.AppendInt(append(dst, `,"duration_us":`...), r.Duration/int64(time.Microsecond), 10)
	dst = strconv.AppendInt(append(dst, `,"waited_us":`...), r.Waited/int64(time.Microsecond), 10)
	dst = appendMember(dst, `,"verdict":`, r.Verdict.String())
	dst = appendMember(dst, `,"rule":`, r.Rule.String())
	dst = appendMember(dst, `,"referer":`, r.Referer)
	dst = appendMember(dst, `,"agent":`, r.Agent)
	return append(dst, "}\n"...)
}

func appendMember(dst []byte, key, value string) []byte {
	return appendJSONString(append(dst, key...), value)
}

// appendJSONString appends s as a JSON string (RFC 8259 §7). Beyond what the
// grammar asks for it escapes DEL and the C1 controls, which a terminal obeys.
func appendJSONString(dst []byte, s string) []byte {
	dst = append(dst, '"')
	from := 0
	for i := 0; i < len(s); {
		c := s[i]
		if c >= ' ' && c < 0x7f && c != '"' && c != '\\' {
			i++
			continue
		}
		if c < utf8.RuneSelf {
			dst = append(dst, s[from:i]...)
			if c == '"' || c == '\\' {
				dst = append(dst, '\\', c)
			} else {
				dst = append(dst, '\\', 'u', '0', '0', hexDigits[c>>4], hexDigits[c&15])
			}
			i++
			from = i
			continue
		}
		r, size := utf8.DecodeRuneInString(s[i:])
		switch {
		case r == utf8.RuneError && size == 1:
			dst = append(dst, s[from:i]...)
			dst = append(dst, "\uFFFD"...)
			from = i + size
		case r < 0xa0:
			dst = append(dst, s[from:i]...)
			dst = append(dst, '\\', 'u', '0', '0', hexDigits[r>>4], hexDigits[r&15])
			from = i + size
		}
		i += size
	}
	dst = append(dst, s[from:]...)
	return append(dst, '"')
}
