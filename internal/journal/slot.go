package journal

import (
	"encoding/binary"
	"math"
	"net/netip"

	"freshet/internal/record"
	"freshet/internal/rule"
)

// slotBytes is the size of a slot: four lines of a processor's cache.
const slotBytes = 256

// A slot is one record in the ring. It has no pointer, so that the garbage
// collector does not look at the ring.
type slot struct {
	seq      uint64 // 0: empty
	id       record.ID
	start    int64
	duration int64
	waited   int64
	bytes    int64
	key      uint64
	detail   uint64 // which detail of the lane, counted from 1; 0: none

	addrHigh, addrLow uint64
	port              uint16

	rule    rule.ID
	status  uint16
	place   uint16
	verdict record.Verdict
	flags   flags
	method  uint8 // see code
	proto   uint8

	// The lengths of what stands in text, in this order; words that have no
	// code stand at its end.
	host, target, agent uint8
	text                [textBytes]byte
}

const (
	// textBytes hold the host, the target and the user agent.
	textBytes = slotBytes - 97
	// maxHost bytes of the host are kept, so that there is room for the target.
	maxHost = 64
	// maxWord bytes are kept of a method or a protocol that is not well known.
	maxWord = 16
)

type flags uint8

const (
	isIPv4 flags = 1 << iota
	isIPv6
	isHot
	isTruncated
	isTLS
	hasKey // key is the hash: else host and target are whole, and a reader computes it
)

// words are the methods and protocols that are kept as numbers. What is no
// well-known word has the number unknown.
var words = [...]string{
	"", "GET", "HEAD", "POST", "PUT", "DELETE", "OPTIONS", "PATCH", "CONNECT", "TRACE", "PURGE", "PROPFIND",
	"HTTP/1.1", "HTTP/2.0", "HTTP/1.0", "HTTP/0.9", "HTTP/3.0",
}

const unknown = 255

// code returns the number of a word. It is a switch for speed.
func code(word string) uint8 {
	switch word {
	case "":
		return 0
	case "GET":
		return 1
	case "HEAD":
		return 2
	case "POST":
		return 3
	case "PUT":
		return 4
	case "DELETE":
		return 5
	case "OPTIONS":
		return 6
	case "PATCH":
		return 7
	case "CONNECT":
		return 8
	case "TRACE":
		return 9
	case "PURGE":
		return 10
	case "PROPFIND":
		return 11
	case "HTTP/1.1":
		return 12
	case "HTTP/2.0":
		return 13
	case "HTTP/1.0":
		return 14
	case "HTTP/0.9":
		return 15
	case "HTTP/3.0":
		return 16
	}
	return unknown
}

// put copies r into s, but for its detail.
func (s *slot) put(r *record.Record) {
	s.id, s.start, s.duration, s.waited, s.bytes = r.ID, r.Start, r.Duration, r.Waited, r.Bytes
	s.rule, s.place, s.verdict = r.Rule, r.Place, r.Verdict
	s.status = uint16(min(max(r.Status, 0), math.MaxUint16))
	f := s.putAddr(r.Remote)
	if r.Hot {
		f |= isHot
	}
	if r.TLS {
		f |= isTLS
	}
	if s.putText(r) {
		f |= isTruncated
	}
	switch {
	case r.Detail != nil && r.Detail.Key != "":
		s.key = KeyHash(r.Detail.Key)
		f |= hasKey
	case int(s.host) < len(r.Host) || int(s.target) < len(r.Target):
		s.key = TargetHash(r.Host, r.Target)
		f |= hasKey
	}
	s.flags = f
}

func (s *slot) putAddr(remote netip.AddrPort) flags {
	s.port = remote.Port()
	a := remote.Addr()
	switch {
	case a.Is4():
		b := a.As4()
		s.addrHigh, s.addrLow = 0, uint64(binary.BigEndian.Uint32(b[:]))
		return isIPv4
	case a.IsValid():
		b := a.As16()
		s.addrHigh, s.addrLow = binary.BigEndian.Uint64(b[:8]), binary.BigEndian.Uint64(b[8:])
		return isIPv6
	}
	return 0
}

// remote returns what putAddr was given.
func (s *slot) remote() netip.AddrPort {
	var b [16]byte
	binary.BigEndian.PutUint64(b[:8], s.addrHigh)
	binary.BigEndian.PutUint64(b[8:], s.addrLow)
	switch {
	case s.flags&isIPv4 != 0:
		return netip.AddrPortFrom(netip.AddrFrom4([4]byte(b[12:])), s.port)
	case s.flags&isIPv6 != 0:
		return netip.AddrPortFrom(netip.AddrFrom16(b), s.port)
	}
	return netip.AddrPort{}
}

// putText fills in what is text and reports whether something had no room. What
// is not a well-known word gets its room first: without its method a request
// says nothing.
func (s *slot) putText(r *record.Record) (cut bool) {
	s.method, s.proto = code(r.Method), code(r.Proto)
	room := textBytes
	if s.method == unknown || s.proto == unknown {
		room -= s.putWords(r)
		cut = s.method == unknown && len(r.Method) > maxWord || s.proto == unknown && len(r.Proto) > maxWord
	}
	host := min(len(r.Host), maxHost, room)
	target := min(len(r.Target), room-host)
	agent := min(len(r.Agent), room-host-target)
	copy(s.text[:], r.Host[:host])
	copy(s.text[host:], r.Target[:target])
	copy(s.text[host+target:], r.Agent[:agent])
	s.host, s.target, s.agent = uint8(host), uint8(target), uint8(agent)
	return cut || host < len(r.Host) || target < len(r.Target) || agent < len(r.Agent)
}

// putWords writes what is no well-known word to the end of the text, each with
// its length behind it, the method last, and returns how many bytes that took.
func (s *slot) putWords(r *record.Record) int {
	end := textBytes
	put := func(word string) {
		word = word[:min(len(word), maxWord)]
		s.text[end-1] = uint8(len(word))
		end -= 1 + len(word)
		copy(s.text[end:], word)
	}
	if s.method == unknown {
		put(r.Method)
	}
	if s.proto == unknown {
		put(r.Proto)
	}
	return textBytes - end
}

// words returns the method and the protocol.
func (s *slot) words() (method, proto string) {
	end := textBytes
	get := func(code uint8) string {
		if code != unknown {
			return words[code]
		}
		n := int(s.text[end-1])
		end -= 1 + n
		return string(s.text[end : end+n])
	}
	method = get(s.method)
	return method, get(s.proto)
}

// entry returns what s holds, the detail aside.
func (s *slot) entry() Entry {
	e := Entry{
		Seq: s.seq, Key: s.key, Truncated: s.flags&isTruncated != 0,
		Record: record.Record{
			ID: s.id, Start: s.start, Duration: s.duration, Waited: s.waited, Bytes: s.bytes,
			Status: int(s.status), Rule: s.rule, Verdict: s.verdict, Place: s.place, Hot: s.flags&isHot != 0, TLS: s.flags&isTLS != 0,
			Remote: s.remote(),
		},
	}
	e.Method, e.Proto = s.words()
	text := string(s.text[:int(s.host)+int(s.target)+int(s.agent)])
	e.Host, text = text[:s.host], text[s.host:]
	e.Target, e.Agent = text[:s.target], text[s.target:]
	if s.flags&hasKey == 0 {
		e.Key = TargetHash(e.Host, e.Target)
	}
	return e
}
