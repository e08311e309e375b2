package wire

// Limits bound a request head and say which old faults are forgiven. The zero
// value means the defaults: bounded, and nothing forgiven.
type Limits struct {
	// MaxHeadBytes bounds the whole head, from the first byte of the request
	// line to the empty line. 0 means 32 KiB; beyond it rule.HeadTooLarge.
	MaxHeadBytes int

	// MaxTargetBytes bounds the request target. 0 means 8 KiB; beyond it
	// rule.TargetTooLong.
	MaxTargetBytes int

	// MaxFields bounds the number of field lines. 0 means 128, and at most
	// 65535 are possible; beyond it rule.TooManyFields.
	MaxFields int

	// LenientLF accepts a bare LF as the end of a line of a head
	// (RFC 9112 §2.2 allows it), else rule.BareLF.
	LenientLF bool

	// LenientFold accepts a field line that is continued on the next one
	// (RFC 9112 §5.2): the line break is replaced by spaces, in the buffer.
	// Else rule.ObsFold.
	LenientFold bool

	// AllowHTTP09 accepts "GET /path" without a version: an HTTP/0.9 request,
	// which has no fields. Else rule.BadRequestLine.
	AllowHTTP09 bool

	// spacedColon accepts white space between the name and the colon of a
	// field line, and leaves it out: what RFC 9112 §5.1 asks of a proxy that
	// reads a response. ParseResponse sets it.
	spacedColon bool
}

const (
	defaultMaxHeadBytes   = 32 << 10
	defaultMaxTargetBytes = 8 << 10
	defaultMaxFields      = 128
)

func (l *Limits) maxHeadBytes() int {
	if l.MaxHeadBytes > 0 {
		return l.MaxHeadBytes
	}
	return defaultMaxHeadBytes
}

func (l *Limits) maxTargetBytes() int {
	if l.MaxTargetBytes > 0 {
		return l.MaxTargetBytes
	}
	return defaultMaxTargetBytes
}

func (l *Limits) maxFields() int {
	switch {
	case l.MaxFields <= 0:
		return defaultMaxFields
	case l.MaxFields > 1<<16-1:
		return 1<<16 - 1
	}
	return l.MaxFields
}

// HeadBytes returns MaxHeadBytes, TargetBytes MaxTargetBytes and Fields
// MaxFields, or their defaults.
func (l *Limits) HeadBytes() int   { return l.maxHeadBytes() }
func (l *Limits) TargetBytes() int { return l.maxTargetBytes() }
func (l *Limits) Fields() int      { return l.maxFields() }
