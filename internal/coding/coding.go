// Package coding makes and names the content codings of freshet: gzip, brotli
// and zstd (RFC 9110 §8.4.1). It is the only package that imports compression
// libraries, so that what they are, how they are tuned and how much memory
// they may take is decided in one place.
//
// It does not negotiate: package internal/field reads Accept-Encoding and says
// which coding is preferred. No answer is ever decoded to be served; Decode is
// for who judges what others have coded.
//
// There are two ways to code. Bytes that are kept are coded whole:
//
//	b, err := coding.Encode(nil, field.Brotli, src, coding.Best)
//	if err == nil && coding.Worth(len(src), len(b)) { keep(b) }
//
// Bytes that are made for one answer are coded as they pass:
//
//	w := coding.NewWriter(rw, field.Zstd)
//	io.Copy(w, src)
//	w.Close()
//
// Invariants: the same source, coding and effort give the same bytes, in every
// process of one build; no decoder needs a window above 8 MiB (RFC 9659); encoders are
// pooled, and those of the Best effort run one at a time.
package coding

import (
	"errors"

	"freshet/internal/field"
)

// Effort says how much time an encoding may take.
type Effort uint8

const (
	// Quick is for answers that wait for it: 20 to 200 MB/s on one core.
	Quick Effort = iota
	// Best is for bytes that are made once and sent often: 0.5 to 50 MB/s.
	Best
)

// MinSize is the least size, in bytes, at which a coding is worth its fields
// and its time: a smaller body and its head fit one packet either way, and
// "Content-Encoding" with "Vary" takes back what the coding saves.
const MinSize = 256

// marginBytes is what a kept coding must save at least: what the fields that
// announce it cost in a head.
const marginBytes = 48

var errUnknown = errors.New("encode: no such content coding")

// All is the set of the codings that Encode and NewWriter can make, identity
// aside.
var All = field.CodingSet(0).With(field.Gzip).With(field.Brotli).With(field.Zstd)

// Worth reports whether a coding of encLen bytes is worth keeping for a source
// of srcLen bytes: it has to save more than its fields cost, and one part in
// twenty of what is sent.
func Worth(srcLen, encLen int) bool {
	return encLen <= srcLen-marginBytes && encLen <= srcLen-srcLen/20
}

// Sidecar returns the suffix that a file kept beside its original has when it
// holds this coding of it, or "" for identity.
func Sidecar(c field.Coding) string {
	switch c {
	case field.Gzip:
		return ".gz"
	case field.Brotli:
		return ".br"
	case field.Zstd:
		return ".zst"
	}
	return ""
}
