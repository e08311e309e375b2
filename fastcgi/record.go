package fastcgi

import (
	"encoding/binary"
	"fmt"

	"freshet/internal/gateway"
)

// Numbers of the FastCGI 1.0 specification, §8.
const (
	version1 = 1

	typeBegin  = 1
	typeAbort  = 2
	typeEnd    = 3
	typeParams = 4
	typeStdin  = 5
	typeStdout = 6
	typeStderr = 7

	roleResponder  = 1
	roleAuthorizer = 2

	flagKeepConn = 1

	requestComplete = 0
	cantMpxConn     = 1
	overloaded      = 2
	unknownRole     = 3

	headerLen  = 8
	endBodyLen = 8
	maxContent = 65535
	// fullContent is the content of a full record that we send: as much as
	// needs no padding to end on eight octets (§3.3).
	fullContent = 65528

	// requestID is the one on our connections, which carry one request each.
	requestID = 1
)

// appendHeader appends the header of a record (§3.3).
func appendHeader(dst []byte, kind byte, content, padding int) []byte {
	return append(dst, version1, kind, requestID>>8, requestID&0xff, byte(content>>8), byte(content), byte(padding), 0)
}

// appendBegin appends BEGIN_REQUEST (§5.1).
func appendBegin(dst []byte, role byte, keep bool) []byte {
	flags := byte(0)
	if keep {
		flags = flagKeepConn
	}
	return append(appendHeader(dst, typeBegin, 8, 0), 0, role, flags, 0, 0, 0, 0, 0)
}

// appendAbort appends ABORT_REQUEST (§5.4).
func appendAbort(dst []byte) []byte { return appendHeader(dst, typeAbort, 0, 0) }

// appendParams appends the PARAMS stream with its end (§5.2).
func appendParams(dst []byte, vars []gateway.Var) []byte {
	start := len(dst)
	dst = appendHeader(dst, typeParams, 0, 0)
	for _, v := range vars {
		dst = appendPair(dst, v.Name, v.Value)
		for len(dst)-start-headerLen > maxContent {
			dst = splitRecord(dst, start)
			start += headerLen + fullContent
		}
	}
	if n := len(dst) - start - headerLen; n > 0 {
		binary.BigEndian.PutUint16(dst[start+4:], uint16(n))
		dst = appendHeader(dst, typeParams, 0, 0)
	}
	return dst // without pairs the first record is the end
}

// splitRecord makes a full record of what is behind the header at start, and
// gives what is left a header of its own.
func splitRecord(dst []byte, start int) []byte {
	binary.BigEndian.PutUint16(dst[start+4:], fullContent)
	at := start + headerLen + fullContent
	dst = append(dst, make([]byte, headerLen)...)
	copy(dst[at+headerLen:], dst[at:len(dst)-headerLen])
	appendHeader(dst[at:at], typeParams, 0, 0)
	return dst
}

// appendPair appends a name-value pair (§3.4).
func appendPair(dst []byte, name, value string) []byte {
	dst = appendLength(dst, len(name))
	dst = appendLength(dst, len(value))
	dst = append(dst, name...)
	return append(dst, value...)
}

func appendLength(dst []byte, n int) []byte {
	if n < 128 {
		return append(dst, byte(n))
	}
	return binary.BigEndian.AppendUint32(dst, uint32(n)|1<<31)
}

// protocolError is what a backend did that the specification does not allow.
type protocolError struct{ what string }

func (e *protocolError) Error() string { return "fastcgi: " + e.what }

func faultyf(format string, args ...any) error { return &protocolError{fmt.Sprintf(format, args...)} }
