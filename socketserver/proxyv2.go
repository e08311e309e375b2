package socketserver

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"net/netip"
)

// Commands, families and transports of version 2 (§2.2).
const (
	commandLocal = 0x20 // with the version
	commandProxy = 0x21

	familyUnspec = 0x0
	familyIPv4   = 0x1
	familyIPv6   = 0x2
	familyUnix   = 0x3

	transportUnspec   = 0x0
	transportStream   = 0x1
	transportDatagram = 0x2
)

// head2 is the length of what every header of version 2 has.
const head2 = len(signature2) + 4

// unixPath is the length of a path in a header.
const unixPath = 108

// parseProxy2 parses a header of version 2.
func parseProxy2(b []byte) (h ProxyHeader, n int, err error) {
	h.Version = 2
	// What is known to be wrong is refused before the rest has come.
	if len(b) > 12 && b[12] != commandLocal && b[12] != commandProxy {
		return h, 0, proxyFault("version and command %#02x", b[12])
	}
	if len(b) > 13 && (b[13]>>4 > familyUnix || b[13]&15 > transportDatagram) {
		return h, 0, proxyFault("family and transport %#02x", b[13])
	}
	if len(b) < head2 {
		return h, 0, ErrProxyIncomplete
	}
	n = head2 + int(binary.BigEndian.Uint16(b[14:]))
	if len(b) < n {
		return h, 0, ErrProxyIncomplete
	}
	rest, err := h.parseAddresses(b[12], b[13], b[head2:n])
	if err == nil {
		if h.TLVs, err = parseTLVs(rest); h.Local {
			err = nil // what is there may be addresses that nobody has defined
		}
	}
	if err == nil {
		err = h.verify(b[:n])
	}
	if err != nil {
		return ProxyHeader{Version: 2}, 0, err
	}
	return h, n, nil
}

// parseAddresses parses the addresses and returns what follows them.
func (h *ProxyHeader) parseAddresses(command, kind byte, b []byte) (rest []byte, err error) {
	family, transport := kind>>4, kind&15
	size := map[byte]int{familyIPv4: 12, familyIPv6: 36, familyUnix: 2 * unixPath}[family]
	// A receiver must skip all of LOCAL, and should ignore the addresses of an
	// unspecified family or transport (§2.2).
	if command == commandLocal {
		h.Local = true
		return nil, nil
	}
	if family == familyUnspec || transport == transportUnspec {
		h.Local = true
		return b[min(size, len(b)):], nil
	}
	if len(b) < size {
		return nil, proxyFault("%d bytes for addresses that have %d", len(b), size)
	}
	h.Datagram = transport == transportDatagram
	switch family {
	case familyIPv4:
		h.Source = netip.AddrPortFrom(netip.AddrFrom4([4]byte(b)), binary.BigEndian.Uint16(b[8:]))
		h.Destination = netip.AddrPortFrom(netip.AddrFrom4([4]byte(b[4:])), binary.BigEndian.Uint16(b[10:]))
	case familyIPv6:
		h.Source = netip.AddrPortFrom(netip.AddrFrom16([16]byte(b)), binary.BigEndian.Uint16(b[32:]))
		h.Destination = netip.AddrPortFrom(netip.AddrFrom16([16]byte(b[16:])), binary.BigEndian.Uint16(b[34:]))
	case familyUnix:
		h.Unix = true
		h.SourcePath = string(bytes.TrimRight(b[:unixPath], "\x00"))
		h.DestinationPath = string(bytes.TrimRight(b[unixPath:2*unixPath], "\x00"))
	}
	return b[size:], nil
}

// castagnoli is the polynomial of CRC32c.
var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// verify compares the checksum of a whole header with its TLV, if it has one:
// the bytes of the checksum count as zeros (§2.2.3).
func (h *ProxyHeader) verify(whole []byte) error {
	value, ok := h.TLV(TLVChecksum)
	if !ok {
		return nil
	}
	if len(value) != 4 {
		return proxyFault("a checksum of %d bytes", len(value))
	}
	at := len(whole) // TLVs are the end of the header
	for _, t := range h.TLVs {
		at -= 3 + len(t.Value)
	}
	for _, t := range h.TLVs {
		at += 3
		if t.Type == TLVChecksum {
			break
		}
		at += len(t.Value)
	}
	sum := crc32.Update(0, castagnoli, whole[:at])
	sum = crc32.Update(sum, castagnoli, make([]byte, 4))
	sum = crc32.Update(sum, castagnoli, whole[at+4:])
	if sum != binary.BigEndian.Uint32(value) {
		return proxyFault("the checksum does not fit")
	}
	return nil
}

func (h *ProxyHeader) append2(dst []byte) ([]byte, error) {
	start := len(dst)
	dst = append(dst, signature2...)
	command, transport := byte(commandProxy), byte(transportStream)
	if h.Datagram {
		transport = transportDatagram
	}
	from, to := h.Source.Addr().Unmap(), h.Destination.Addr().Unmap()
	switch {
	case h.Local && len(h.TLVs) == 0:
		dst = append(dst, commandLocal, 0, 0, 0)
	case h.Local: // nothing may follow LOCAL
		dst = append(dst, command, familyUnspec<<4|transportUnspec, 0, 0)
	case h.Unix:
		if len(h.SourcePath) > unixPath || len(h.DestinationPath) > unixPath {
			return dst[:start], fmt.Errorf("append a PROXY header: a path of more than %d bytes", unixPath)
		}
		dst = append(dst, command, familyUnix<<4|transport, 0, 0)
		var paths [2 * unixPath]byte
		copy(paths[:], h.SourcePath)
		copy(paths[unixPath:], h.DestinationPath)
		dst = append(dst, paths[:]...)
	default:
		family := byte(familyIPv6)
		if from.Is4() {
			family = familyIPv4
		}
		dst = append(dst, command, family<<4|transport, 0, 0)
		dst = append(dst, from.AsSlice()...)
		dst = append(dst, to.AsSlice()...)
		dst = binary.BigEndian.AppendUint16(dst, h.Source.Port())
		dst = binary.BigEndian.AppendUint16(dst, h.Destination.Port())
	}
	checksum := -1
	for _, t := range h.TLVs {
		if t.Type == TLVChecksum {
			if checksum >= 0 {
				return dst[:start], errors.New("append a PROXY header: two checksums")
			}
			checksum = len(dst) + 3
			t.Value = make([]byte, 4)
		}
		var err error
		if dst, err = t.append(dst); err != nil {
			return dst[:start], err
		}
	}
	rest := len(dst) - start - head2
	if rest > 0xffff {
		return dst[:start], fmt.Errorf("append a PROXY header: %d bytes do not fit", rest)
	}
	binary.BigEndian.PutUint16(dst[start+14:], uint16(rest))
	if checksum >= 0 {
		binary.BigEndian.PutUint32(dst[checksum:], crc32.Checksum(dst[start:], castagnoli))
	}
	return dst, nil
}
