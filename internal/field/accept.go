package field

// BestType returns the index of the media type among offers that the value of
// Accept (RFC 9110 §12.5.1) prefers, -1 when it accepts none of them.
//
//	BestType("text/html;q=0.5, */*", "text/html", "application/json")  // 1
//
// For each offer the most specific media range counts: "a/b;p=1" before "a/b"
// before "a/*" before "*/*". Among offers of equal weight the first wins, so
// offers stand in the order of the server's preference. Ranges that do not
// follow the grammar are ignored; a value without any other is as none, and
// accepts everything, so the answer is 0. Parameters behind the weight, which
// old clients send as extensions, mean nothing.
//
// The ranges are read once per offer: it is for a handful of offers.
func BestType(accept string, offers ...string) int {
	if len(offers) == 0 {
		return -1
	}
	best, bestQ := -1, int16(0)
	for i, offer := range offers {
		q, some := weigh(accept, offer)
		if !some {
			return 0
		}
		if q > bestQ {
			best, bestQ = i, q
		}
	}
	return best
}

// weigh returns the weight that accept gives to offer; some is false when accept
// has no media range at all.
func weigh(accept, offer string) (q int16, some bool) {
	offerType, offerParams, _ := Cut(offer, ';')
	most := -1
	for {
		elem, rest, ok := NextElement(accept)
		if !ok {
			return q, some
		}
		accept = rest
		name, params, _ := Cut(elem, ';')
		typ, sub, ok := cutType(name)
		if !ok {
			continue
		}
		params, rangeQ, count, ok := cutWeight(params)
		if !ok {
			continue
		}
		some = true
		specific := 0
		switch {
		case typ == "*":
		case sub == "*":
			if len(offerType) <= len(typ) || offerType[len(typ)] != '/' || !EqualFold(offerType[:len(typ)], typ) {
				continue
			}
			specific = 1
		default:
			if !EqualFold(offerType, name) {
				continue
			}
			specific = 2
		}
		if count > 0 {
			if !hasParams(offerParams, params) {
				continue
			}
			specific += count
		}
		switch {
		case specific > most:
			most, q = specific, rangeQ
		case specific == most:
			q = min(q, rangeQ)
		}
	}
}

// cutType splits a media range into its two halves. "*" stands alone or
// behind a type, never in front of a subtype.
func cutType(s string) (typ, sub string, ok bool) {
	for i := range len(s) {
		if s[i] == '/' {
			typ, sub = s[:i], s[i+1:]
			return typ, sub, IsToken(typ) && IsToken(sub) && (typ != "*" || sub == "*")
		}
	}
	return "", "", false
}

// cutWeight splits the parameters of a media range at the weight. params are
// those before it, count is their number; q is 1000 when there is no weight.
func cutWeight(s string) (params string, q int16, count int, ok bool) {
	all := s
	for s != "" {
		p, rest, _ := Cut(s, ';')
		if len(p) >= 2 && Lower(p[0]) == 'q' && p[1] == '=' {
			q, ok = parseQ(p[2:])
			return all[:len(all)-len(s)], q, count, ok
		}
		if p != "" {
			if name, value, found := Cut(p, '='); !found || !IsToken(name) || value == "" {
				return "", 0, 0, false
			}
			count++
		}
		s = rest
	}
	return all, 1000, count, true
}

// hasParams reports whether offered has each of the parameters of asked.
func hasParams(offered, asked string) bool {
	for asked != "" {
		p, rest, _ := Cut(asked, ';')
		asked = rest
		if p != "" && !hasParam(offered, p) {
			return false
		}
	}
	return true
}

// hasParam looks for one parameter. Values are compared without their quotes
// and without regard to case, as charsets are, which is what it is used for.
func hasParam(offered, param string) bool {
	name, value, _ := Cut(param, '=')
	for offered != "" {
		p, rest, _ := Cut(offered, ';')
		offered = rest
		n, v, _ := Cut(p, '=')
		if EqualFold(n, name) && EqualFold(unquote(v), unquote(value)) {
			return true
		}
	}
	return false
}

func unquote(s string) string {
	if len(s) >= 2 && s[0] == '"' && s[len(s)-1] == '"' {
		return s[1 : len(s)-1]
	}
	return s
}
