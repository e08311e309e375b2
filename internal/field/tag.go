package field

// NextTag returns the first entity-tag of a list of them (RFC 9110 §8.8.3),
// with its quotes and without W/, and what follows it:
//
//	NextTag(`W/"a,b", "c"`)  // `"a,b"`, true, ` "c"`, true
//
// Entity-tags are not quoted strings: a backslash is a character like others.
// Empty elements are skipped. ok is false at the end of the list, and at an
// element that is no entity-tag: what stands behind one is not trusted either,
// because nobody can tell where it ends.
func NextTag(list string) (tag string, weak bool, rest string, ok bool) {
	i := 0
	for i < len(list) && (list[i] == ',' || isSpace(list[i])) {
		i++
	}
	tag, weak, rest, ok = cutTag(list[i:])
	if !ok {
		return "", false, "", false
	}
	rest = trimLeft(rest)
	if rest == "" {
		return tag, weak, "", true
	}
	if rest[0] != ',' {
		return "", false, "", false
	}
	return tag, weak, rest[1:], true
}

// ValidTag reports whether s is one entity-tag, weak or strong, and no more.
func ValidTag(s string) bool {
	_, _, rest, ok := cutTag(s)
	return ok && rest == ""
}

// cutTag takes the entity-tag off the start of s.
func cutTag(s string) (tag string, weak bool, rest string, ok bool) {
	// RFC 9110 §8.8.3: the W is case-sensitive.
	if len(s) >= 2 && s[:2] == "W/" {
		weak = true
		s = s[2:]
	}
	if s == "" || s[0] != '"' {
		return "", false, "", false
	}
	for i := 1; i < len(s); i++ {
		c := s[i]
		if c == '"' {
			return s[:i+1], weak, s[i+1:], true
		}
		// etagc = %x21 / %x23-7E / obs-text
		if c <= ' ' || c == 0x7f {
			break
		}
	}
	return "", false, "", false
}
