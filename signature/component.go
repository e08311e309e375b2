package signature

import (
	"strings"

	"freshet/internal/field"
)

// component is a component identifier (RFC 9421 §2). Two that are the same but
// for the order of their parameters are ==.
type component struct {
	name            string
	key, param      string // of the parameters key and name
	keyed, named    bool
	sf, bs, tr, req bool
	derived         bool // it begins with @
	known           known
}

// newComponent reads an identifier. What is wrong with it is told in words;
// "" is nothing.
func newComponent(v *field.Structured) (c component, wrong string) {
	if v.Kind != field.String || v.Text == "" {
		return c, "a component is named by a string"
	}
	c.name = v.Text
	c.derived = c.name[0] == '@'
	c.known = knownAs(c.name)
	for i := range len(c.name) {
		if b := c.name[i]; b <= ' ' || b > '~' || b == '"' || b == ':' || 'A' <= b && b <= 'Z' {
			return c, "it is not the name of a field in lower case"
		}
	}
	for i := range v.Params {
		p := &v.Params[i]
		flag := p.Kind == field.Boolean && p.Bool
		text := p.Kind == field.String
		switch {
		case p.Key == "sf" && flag:
			c.sf = true
		case p.Key == "bs" && flag:
			c.bs = true
		case p.Key == "tr" && flag:
			c.tr = true
		case p.Key == "req" && flag:
			c.req = true
		case p.Key == "key" && text:
			c.key, c.keyed = p.Text, true
		case p.Key == "name" && text:
			c.param, c.named = p.Text, true
		default:
			return c, "its parameter " + p.Key + " is not understood"
		}
	}
	return c, c.fits()
}

// fits says what is wrong with the parameters together.
func (c *component) fits() string {
	switch {
	case c.derived && (c.sf || c.bs || c.tr || c.keyed):
		return "sf, key, bs and tr are for fields"
	case c.named != (c.name == "@query-param"):
		return "name is for @query-param, which needs it"
	case c.bs && (c.sf || c.keyed):
		return "bs does not go with sf or key"
	case c.name == "@signature-params":
		return "it is covered by every signature, and named by none"
	}
	return ""
}

// ParseComponent reads a component identifier as people write it, with or
// without quotes around the name: @method, content-digest,
// "@query-param";name="q", @authority;req. It returns it as a signature states it.
func ParseComponent(text string) (string, error) {
	v, err := parseComponent(text)
	if err != nil {
		return "", err
	}
	b, _ := field.AppendStructured(nil, &v)
	return string(b), nil
}

// derivedNames are those of RFC 9421 §2.2.
const derivedNames = "@method, @target-uri, @authority, @scheme, @request-target, @path, @query, @query-param and @status"

func parseComponent(text string) (v field.Structured, err error) {
	quoted := text
	if !strings.HasPrefix(text, `"`) {
		name, params, _ := strings.Cut(text, ";")
		quoted = `"` + name + `"`
		if params != "" {
			quoted += ";" + params
		}
	}
	values, ok := field.ParseValues([]string{quoted})
	if !ok || len(values) != 1 {
		return v, &ComponentError{text, "it is not a name with parameters"}
	}
	if wrong := cannotBe(&values[0]); wrong != "" {
		return v, &ComponentError{text, wrong}
	}
	return values[0], nil
}

// cannotBe says what is wrong with an identifier that is to be covered here; "" is
// nothing. Unlike one that somebody else has covered it has to be known.
func cannotBe(v *field.Structured) string {
	c, wrong := newComponent(v)
	if wrong == "" && c.derived && c.known == unlisted {
		wrong = "it is not known; those with @ are " + derivedNames
	}
	return wrong
}

// A ComponentError is why a component cannot be covered, or its value cannot be
// told.
type ComponentError struct {
	Component string
	Why       string
}

func (e *ComponentError) Error() string { return "signature: component " + e.Component + ": " + e.Why }

// componentText writes an identifier, for messages to people.
func componentText(v *field.Structured) string {
	b, ok := field.AppendStructured(nil, v)
	if !ok {
		return notBase64
	}
	return string(b)
}

const notBase64 = "with bytes that are not base64"
