package cache

import (
	"net/http"

	"freshet/freshness"
	"freshet/internal/diskstore"
	"freshet/internal/field"
)

// What a sparse answer joins is compared in the file, where it becomes whole. When
// what comes cannot be written there, because another request adds to the file or
// the disk is full, it is compared on its way to the client: all bytes from the
// first on are hashed, those that are only stored, too, up to the last that are
// asked for; then what is stored behind them, and only then they are sent.

// sumAll begins with that, unless what comes is all that is asked for, which is
// then joined with nothing. What has come of the piece is in file.
func (p *piece) sumAll(file *diskstore.Writer) {
	s := p.s
	b, said := &s.o.body, s.o.fields["Repr-Digest"]
	alone := p.gap.Start == s.r.Start && p.length == s.r.Length
	if s.sum != nil || alone || len(said) == 0 || b.missing(field.Range{Length: p.gap.Start}).Length > 0 {
		return
	}
	s.sum = checkerOf(http.MethodGet, http.StatusOK, freshness.Fields{"Repr-Digest": said})
	s.sumStored(field.Range{Length: p.gap.Start})
	if s.sum == nil || p.n == 0 {
		return
	}
	if copyFrom(s.sum, file, field.Range{Start: p.gap.Start, Length: p.n}) != nil {
		panic(http.ErrAbortHandler)
	}
}

// sumStored adds a range that is stored.
func (s *sparse) sumStored(r field.Range) {
	if s.sum == nil || r.Length == 0 {
		return
	}
	if err := s.o.body.disk.send(s.sum, r); err != nil {
		panic(http.ErrAbortHandler)
	}
}

// sumIsWrong reports whether all bytes, of which those up to end have been added,
// are not what their digest says. It is false while there are more to come, and
// when some are not known.
func (s *sparse) sumIsWrong(end int64) bool {
	rest := field.Range{Start: end, Length: s.o.body.size - end}
	if s.sum == nil || end < s.r.Start+s.r.Length || s.o.body.missing(rest).Length > 0 {
		return false
	}
	s.sumStored(rest)
	return wrong(s.sum)
}
