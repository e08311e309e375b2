package wire

import "freshet/internal/rule"

// parseFields parses field lines from b[i] to the empty line (RFC 9112 §5)
// and appends them to h.Fields. It returns the index after the empty line, 0
// if there is none yet.
func (l *Limits) parseFields(b []byte, i int, h *Head) (n int, broken rule.ID) {
	most := l.maxFields()
	value := 0 // where the value of the last line starts
	for {
		start := i
		for i < len(b) && class[b[i]]&tokenByte != 0 {
			i++
		}
		if i == len(b) {
			return 0, 0
		}
		end := i // of the name
		if l.spacedColon && i > start {
			i = skipSpace(b, i)
			if i == len(b) {
				return 0, 0
			}
		}
		if b[i] != ':' || i == start {
			i = end
			switch {
			case i > start || b[i] == ':':
				return 0, l.nameFault(b, start, i)
			case b[i] == '\r' || b[i] == '\n':
				return l.lineEnd(b, i)
			case !isSpace(b[i]):
				return 0, rule.BadFieldName
			case len(h.Fields) == 0:
				return 0, rule.LeadingSpace
			case !l.LenientFold:
				return 0, rule.ObsFold
			}
			// RFC 9112 §5.2: the line break and the blanks behind it become
			// spaces, and the line goes on.
			for j := i; j < len(b) && isSpace(b[j]); j++ {
				b[j] = ' '
			}
			b[i-1] = ' '
			if b[i-2] == '\r' {
				b[i-2] = ' '
			}
			next, end, broken := l.valueEnd(b, i)
			if next == 0 {
				return 0, broken
			}
			i = next
			h.Fields[len(h.Fields)-1].Value = trim(view(b[value:end]))
			continue
		}
		name := view(b[start:end])

		i = skipSpace(b, i+1)
		value = i
		next, end, broken := l.valueEnd(b, i)
		if next == 0 {
			return 0, broken
		}
		i = next
		for end > value && isSpace(b[end-1]) {
			end--
		}

		if len(h.Fields) == most {
			return 0, rule.TooManyFields
		}
		k := LookupKnown(name)
		if k != None {
			bit := uint64(1) << k
			if h.seen&bit == 0 {
				h.seen |= bit
				h.first[k] = uint16(len(h.Fields))
			} else {
				h.repeated |= bit
			}
		}
		h.Fields = append(h.Fields, Field{Name: name, Value: view(b[value:end]), Known: k})
	}
}

// valueEnd returns the index of the end of the line in which b[i] is part of a
// value, and of the line after it, 0 if the line is not complete or broken.
func (l *Limits) valueEnd(b []byte, i int) (next, end int, broken rule.ID) {
	end = scanValue(b, i)
	switch {
	case len(b)-end >= 2 && b[end] == '\r' && b[end+1] == '\n':
		return end + 2, end, 0
	case end == len(b):
		return 0, 0, 0
	case b[end] == '\r' || b[end] == '\n':
		next, broken = l.lineEnd(b, end)
		return next, end, broken
	}
	return 0, 0, rule.BadFieldValue
}

// nameFault names the fault of a line whose name, from start, is followed by
// the octet b[i] instead of a colon; 0 if more of b is needed to tell.
func (l *Limits) nameFault(b []byte, start, i int) rule.ID {
	switch c := b[i]; {
	case isSpace(c):
		if i = skipSpace(b, i); i == len(b) {
			return 0
		}
		if b[i] == ':' {
			return rule.SpaceBeforeColon
		}
	case c == '\r' || c == '\n':
		if next, broken := l.lineEnd(b, i); next == 0 {
			return broken
		}
	}
	return rule.BadFieldName
}
