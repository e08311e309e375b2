package smime

import (
	"bytes"
	"encoding/asn1"
	"errors"
	"math/big"
	"slices"
)

// Tags.
const (
	tagInteger  = 0x02
	tagBits     = 0x03
	tagOctets   = 0x04
	tagNull     = 0x05
	tagOID      = 0x06
	tagUTCTime  = 0x17
	tagTime     = 0x18
	tagSequence = 0x30
	tagSet      = 0x31
)

// context is the tag [n] of something constructed; without 0x20 of a primitive.
func context(n byte) byte { return 0xa0 | n }

// A cursor reads DER that normalize has made. After the first fault all it
// returns is empty; err tells at the end.
type cursor struct {
	rest []byte
	bad  bool
}

var errDER = errors.New("it has another structure than RFC 5652 says")

// peek returns the tag of the next value, 0 when there is none.
func (c *cursor) peek() byte {
	if c.bad || len(c.rest) == 0 {
		return 0
	}
	return c.rest[0]
}

// any takes the next value, with and without its head.
func (c *cursor) any() (full, content []byte) {
	var v asn1.RawValue
	if c.bad || len(c.rest) == 0 {
		c.bad = true
		return nil, nil
	}
	rest, err := asn1.Unmarshal(c.rest, &v)
	if err != nil {
		c.bad = true
		return nil, nil
	}
	c.rest = rest
	return v.FullBytes, v.Bytes
}

// take takes the content of the next value, which has to have the tag.
func (c *cursor) take(tag byte) []byte {
	if c.peek() != tag {
		c.bad = true
		return nil
	}
	_, content := c.any()
	return content
}

// maybe is take when the next value has the tag.
func (c *cursor) maybe(tag byte) (content []byte, ok bool) {
	if c.peek() != tag {
		return nil, false
	}
	return c.take(tag), !c.bad
}

// in takes a constructed value and reads what is in it.
func (c *cursor) in(tag byte) *cursor {
	content := c.take(tag)
	return &cursor{rest: content, bad: c.bad}
}

func (c *cursor) oid() asn1.ObjectIdentifier {
	var id asn1.ObjectIdentifier
	if c.peek() != tagOID {
		c.bad = true
		return nil
	}
	full, _ := c.any()
	if _, err := asn1.Unmarshal(full, &id); err != nil {
		c.bad = true
	}
	return id
}

// integer takes a number that is small.
func (c *cursor) integer() int {
	n := new(big.Int)
	if c.peek() != tagInteger {
		c.bad = true
		return 0
	}
	full, _ := c.any()
	if _, err := asn1.Unmarshal(full, &n); err != nil || !n.IsInt64() || n.Int64() != int64(int32(n.Int64())) {
		c.bad = true
		return 0
	}
	return int(n.Int64())
}

// An algorithm is an AlgorithmIdentifier. Its parameters keep their head; empty
// means that there are none.
type algorithm struct {
	id     asn1.ObjectIdentifier
	params []byte
	full   []byte
}

func (c *cursor) algorithm() algorithm {
	if c.peek() != tagSequence {
		c.bad = true
		return algorithm{}
	}
	full, content := c.any()
	in := cursor{rest: content, bad: c.bad}
	a := algorithm{id: in.oid(), full: full}
	if len(in.rest) > 0 {
		a.params, _ = in.any()
	}
	c.bad = c.bad || in.err() != nil
	return a
}

// plain reports whether there are no parameters, or NULL.
func (a algorithm) plain() bool {
	return len(a.params) == 0 || bytes.Equal(a.params, []byte{tagNull, 0})
}

// err is nil when all was read and nothing was wrong.
func (c *cursor) err() error {
	if c.bad || len(c.rest) > 0 {
		return errDER
	}
	return nil
}

// tlv makes a value of parts.
func tlv(tag byte, parts ...[]byte) []byte {
	n := 0
	for _, p := range parts {
		n += len(p)
	}
	out := appendLength(append(make([]byte, 0, n+10), tag), n)
	for _, p := range parts {
		out = append(out, p...)
	}
	return out
}

// setOf makes a SET OF, whose values DER sorts.
func setOf(tag byte, values ...[]byte) []byte {
	slices.SortFunc(values, bytes.Compare)
	return tlv(tag, values...)
}

func derOID(id asn1.ObjectIdentifier) []byte {
	b, err := asn1.Marshal(id)
	if err != nil {
		panic("smime: an object identifier of ours: " + err.Error())
	}
	return b
}

func derInt(n int) []byte {
	b, _ := asn1.Marshal(n) // no integer fails
	return b
}

func derOctets(b []byte) []byte { return tlv(tagOctets, b) }

// derAlgorithm makes an AlgorithmIdentifier, of parameters with their head.
func derAlgorithm(id asn1.ObjectIdentifier, params []byte) []byte {
	return tlv(tagSequence, derOID(id), params)
}

var derNull = []byte{tagNull, 0}
