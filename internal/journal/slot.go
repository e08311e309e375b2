package journal

import (
	"math"
	"net/netip"

	"freshet/internal/record"
	"freshet/internal/rule"
)

// slotBytes is the size of a slot: four lines of a processor's cache.
const slotBytes = 256

// A slot is a place of the ring.
type slot struct {
	guard // of what follows
	content
}

// content is one record. It has no pointer, so that the garbage collector does
// not look at the ring.
type content struct {
	id       record.ID
	start    int64
	duration int64
	waited   int64
	bytes    int64
	key      uint64
	detail   uint64 // the place in the ring of details; 0: none

	addr [16]byte
	port uint16

	rule    rule.ID
	status  uint16
	place   uint16
	verdict record.Verdict
	flags   flags
	method  uint8 // of methods; 0: at the end of text
	proto   uint8 // of protos; 0: at the end of text

	// The lengths of what stands in text, in this order.
	host, target, agent, methodLen, protoLen uint8
	text                                     [textBytes]byte
}

const (
	// textBytes hold the host, the target and the user agent.
	textBytes = slotBytes - 107
	// maxHost bytes of the host are kept, so that there is room for the target.
	maxHost = 64
	// maxWord bytes are kept of a method or a protocol that is not well known.
	maxWord = 16
)

type flags uint8

const (
	hasAddr flags = 1 << iota
	isIPv4
	isHot
	isTruncated
)

// methods and protos are written as numbers.
var (
	methods = [...]string{1: "GET", 2: "HEAD", 3: "POST", 4: "PUT", 5: "DELETE", 6: "OPTIONS", 7: "PATCH", 8: "CONNECT", 9: "TRACE", 10: "PURGE", 11: "PROPFIND"}
	protos  = [...]string{1: "HTTP/1.1", 2: "HTTP/2.0", 3: "HTTP/1.0", 4: "HTTP/0.9", 5: "HTTP/3.0"}
)

// code returns the number of a word in a list of words, 0 for another one.
func code(words []string, word string) uint8 {
	for i, w := range words {
		if i > 0 && w == word {
			return uint8(i)
		}
	}
	return 0
}

// put copies r into s.
func (s *content) put(r *record.Record, key, detail uint64, cut bool) {
	s.id, s.start, s.duration, s.waited, s.bytes = r.ID, r.Start, r.Duration, r.Waited, r.Bytes
	s.key, s.detail = key, detail
	s.rule, s.place, s.verdict = r.Rule, r.Place, r.Verdict
	s.status = uint16(min(max(r.Status, 0), math.MaxUint16))
	s.flags = 0
	if r.Hot {
		s.flags = isHot
	}
	s.putAddr(r.Remote)
	if s.putText(r) || cut {
		s.flags |= isTruncated
	}
}

func (s *content) putAddr(remote netip.AddrPort) {
	a := remote.Addr()
	if !a.IsValid() {
		return
	}
	s.flags |= hasAddr
	if a.Is4() {
		s.flags |= isIPv4
	}
	s.addr, s.port = a.As16(), remote.Port()
}

// putText fills in what is text and reports whether something had no room. The
// words are counted first: without its method a request says nothing.
func (s *content) putText(r *record.Record) (cut bool) {
	s.method, s.proto = code(methods[:], r.Method), code(protos[:], r.Proto)
	method, proto := r.Method, r.Proto
	if s.method > 0 {
		method = ""
	}
	if s.proto > 0 {
		proto = ""
	}
	room := textBytes - min(len(method), maxWord) - min(len(proto), maxWord)
	at := 0
	add := func(text string, limit int) uint8 {
		if len(text) > limit {
			text, cut = text[:limit], true
		}
		at += copy(s.text[at:], text)
		return uint8(len(text))
	}
	s.host = add(r.Host, min(maxHost, room))
	s.target = add(r.Target, room-at)
	s.agent = add(r.Agent, room-at)
	s.methodLen = add(method, maxWord)
	s.protoLen = add(proto, maxWord)
	return cut
}

// entry returns what s holds, the detail aside.
func (s *content) entry(seq uint64) Entry {
	e := Entry{
		Seq: seq, Key: s.key, Truncated: s.flags&isTruncated != 0,
		Record: record.Record{
			ID: s.id, Start: s.start, Duration: s.duration, Waited: s.waited, Bytes: s.bytes,
			Status: int(s.status), Rule: s.rule, Verdict: s.verdict, Place: s.place, Hot: s.flags&isHot != 0,
			Method: methods[s.method], Proto: protos[s.proto],
		},
	}
	if s.flags&hasAddr != 0 {
		a := netip.AddrFrom16(s.addr)
		if s.flags&isIPv4 != 0 {
			a = a.Unmap()
		}
		e.Remote = netip.AddrPortFrom(a, s.port)
	}
	text := string(s.text[:int(s.host)+int(s.target)+int(s.agent)+int(s.methodLen)+int(s.protoLen)])
	next := func(n uint8) (part string) {
		part, text = text[:n], text[n:]
		return part
	}
	e.Host, e.Target, e.Agent = next(s.host), next(s.target), next(s.agent)
	if s.method == 0 {
		e.Method = next(s.methodLen)
	}
	if s.proto == 0 {
		e.Proto = next(s.protoLen)
	}
	return e
}
