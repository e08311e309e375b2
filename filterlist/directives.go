package filterlist

import "strings"

// truth is what is known of a condition.
type truth uint8

const (
	no truth = iota
	yes
	maybe // a name in it is not known
)

func (t truth) not() truth {
	switch t {
	case yes:
		return no
	case no:
		return yes
	}
	return maybe
}

// maxConditionDepth is how deep !#if and parentheses may be nested.
const maxConditionDepth = 32

// branches follows !#if, !#else and !#endif.
type branches struct {
	open []truth // the branch that each open !#if is in
	skip bool    // the next line is for other programs (!+ PLATFORM)
}

// off says whether lines here are left out.
func (b *branches) off() bool {
	for _, t := range b.open {
		if t != yes {
			return true
		}
	}
	return false
}

// directive takes a line that begins with "!#" or "!+". reason says why it, or
// what stands behind it, cannot be applied; "" if there is nothing to say.
func (b *branches) directive(line string) (reason string) {
	word, rest, _ := strings.Cut(line[2:], " ")
	if line[1] == '+' {
		if words := line[2:]; strings.Contains(words, "PLATFORM(") && !strings.Contains(words, "NOT_PLATFORM(") {
			b.skip = true
		}
		return ""
	}
	switch {
	case word == "if":
		if len(b.open) >= maxConditionDepth {
			b.open = append(b.open, no)
			return "!#if nested too deep"
		}
		t := evaluate(rest)
		b.open = append(b.open, t)
		if t == maybe {
			return "!#if with a name that is not known"
		}
	case word == "else":
		if n := len(b.open); n > 0 {
			b.open[n-1] = b.open[n-1].not()
		}
	case word == "endif":
		if n := len(b.open); n > 0 {
			b.open = b.open[:n-1]
		}
	case word == "include" && !b.off():
		return "!#include: the file is to be given as a list of its own"
	}
	return ""
}

// condition reads an expression of names, "!", "&&", "||" and parentheses.
type condition struct {
	rest  string
	depth int
}

func evaluate(expr string) truth {
	c := condition{rest: strings.TrimSpace(expr)}
	t := c.or()
	if c.rest != "" {
		return maybe
	}
	return t
}

func (c *condition) take(token string) bool {
	rest, ok := strings.CutPrefix(c.rest, token)
	if ok {
		c.rest = strings.TrimLeft(rest, " \t")
	}
	return ok
}

func (c *condition) or() truth {
	t := c.and()
	for c.take("||") {
		u := c.and()
		switch {
		case t == yes || u == yes:
			t = yes
		case t == maybe || u == maybe:
			t = maybe
		}
	}
	return t
}

func (c *condition) and() truth {
	t := c.unary()
	for c.take("&&") {
		u := c.unary()
		switch {
		case t == no || u == no:
			t = no
		case t == maybe || u == maybe:
			t = maybe
		}
	}
	return t
}

func (c *condition) unary() truth {
	if c.depth++; c.depth > maxConditionDepth {
		c.rest = "too deep"
		return maybe
	}
	defer func() { c.depth-- }()
	if c.take("!") {
		return c.unary().not()
	}
	if c.take("(") {
		t := c.or()
		if !c.take(")") {
			c.rest = "unclosed"
			return maybe
		}
		return t
	}
	end := 0
	for end < len(c.rest) && (isHostByte(lower(c.rest[end])) && c.rest[end] != '.') {
		end++
	}
	name := c.rest[:end]
	c.rest = strings.TrimLeft(c.rest[end:], " \t")
	switch {
	case name == "true":
		return yes
	case name == "false", name == "adguard", strings.HasPrefix(name, "adguard_"), strings.HasPrefix(name, "ext_"), strings.HasPrefix(name, "env_"), strings.HasPrefix(name, "cap_"):
		return no
	}
	return maybe
}
