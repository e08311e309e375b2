package conditional

import "strconv"

// A multipart/byteranges body (RFC 9110 §14.6) is, for each range, a head that
// AppendPartHead makes and the bytes of the range, then what AppendMultipartEnd
// makes. MultipartLength is the length of it all.

// AppendContentRange appends the value of Content-Range for one range of a
// representation: "bytes 0-4/10". A negative size, unknown, is written as "*".
func AppendContentRange(dst []byte, r Range, size int64) []byte {
	dst = append(dst, "bytes "...)
	dst = strconv.AppendInt(dst, r.Start, 10)
	dst = append(dst, '-')
	dst = strconv.AppendInt(dst, r.Start+r.Length-1, 10)
	dst = append(dst, '/')
	if size < 0 {
		return append(dst, '*')
	}
	return strconv.AppendInt(dst, size, 10)
}

// AppendUnsatisfied appends the value of Content-Range for a 416: "bytes */10".
func AppendUnsatisfied(dst []byte, size int64) []byte {
	return strconv.AppendInt(append(dst, "bytes */"...), size, 10)
}

// AppendMultipartType appends the Content-Type of the whole answer. The
// boundary must be a token that occurs in no part.
func AppendMultipartType(dst []byte, boundary string) []byte {
	return append(append(dst, "multipart/byteranges; boundary="...), boundary...)
}

// AppendPartHead appends what stands before the bytes of range r. Every part
// but the first begins with the line end that belongs to the delimiter. An
// empty contentType leaves the field out.
func AppendPartHead(dst []byte, boundary, contentType string, r Range, size int64, first bool) []byte {
	if !first {
		dst = append(dst, "\r\n"...)
	}
	dst = append(append(dst, "--"...), boundary...)
	dst = append(dst, "\r\nContent-Range: "...)
	dst = AppendContentRange(dst, r, size)
	if contentType != "" {
		dst = append(append(dst, "\r\nContent-Type: "...), contentType...)
	}
	return append(dst, "\r\n\r\n"...)
}

// AppendMultipartEnd appends what stands behind the last part.
func AppendMultipartEnd(dst []byte, boundary string) []byte {
	dst = append(append(dst, "\r\n--"...), boundary...)
	return append(dst, "--\r\n"...)
}

// MultipartLength returns the length of the whole body.
func MultipartLength(ranges []Range, size int64, boundary, contentType string) int64 {
	n := int64(len("\r\n--") + len(boundary) + len("--\r\n"))
	for i, r := range ranges {
		n += int64(len("--")+len(boundary)+len("\r\nContent-Range: bytes -/\r\n\r\n")) + r.Length
		n += decimals(r.Start) + decimals(r.Start+r.Length-1)
		if size < 0 {
			n++
		} else {
			n += decimals(size)
		}
		if contentType != "" {
			n += int64(len("\r\nContent-Type: ") + len(contentType))
		}
		if i > 0 {
			n += int64(len("\r\n"))
		}
	}
	return n
}

// decimals returns the number of digits of n, which is not negative.
func decimals(n int64) int64 {
	d := int64(1)
	for ; n >= 10; n /= 10 {
		d++
	}
	return d
}
