package config

import (
	"fmt"
	"strings"
)

// A file of --config has one option a line, as curl's has:
//
//	# what is in front of each request
//	silent
//	header = "Accept-Language: de"
//	-o page.html
//	url = https://example.org/
//
// Between a name without dashes and its value stand white space, "=" or ":";
// behind one with dashes, white space. A value ends at white space, unless it is
// in double quotes, in which \" \\ \t \n \r \v are what they are in C.

// maxNested bounds how deep files name others.
const maxNested = 10

// curlFile reads a file of options.
func (p *parser) curlFile(name string, all *[]said) {
	if p.nested++; p.nested > maxNested {
		p.fault("--config %s: more than %d files, each named by the one before", name, maxNested)
		return
	}
	defer func() { p.nested-- }()
	text, err := p.include(name)
	if err != nil {
		p.fault("--config %s: %v", name, err)
		return
	}
	number := 0
	for line := range strings.Lines(strings.TrimPrefix(string(text), "\ufeff")) {
		number++
		before := len(p.faults)
		if err := p.curlOption(strings.TrimSpace(line), all); err != nil {
			p.fault("%v", err)
		}
		for i := before; i < len(p.faults); i++ {
			p.faults[i].Text = fmt.Sprintf("%s:%d: %s", name, number, p.faults[i].Text)
		}
	}
}

// curlOption reads a line of such a file.
func (p *parser) curlOption(line string, all *[]said) error {
	if line == "" || line[0] == '#' {
		return nil
	}
	ends := " \t=:"
	if line[0] == '-' {
		ends = " \t"
	}
	name, rest := line, ""
	if i := strings.IndexAny(line, ends); i >= 0 {
		name, rest = line[:i], strings.TrimLeft(line[i:], ends)
	}
	value, has, err := curlValue(rest)
	switch {
	case err != nil:
		return err
	case name == "":
		return fmt.Errorf("there is no option in front of %q", rest)
	case !strings.HasPrefix(name, "-"):
		name = "--" + name
	case !strings.HasPrefix(name, "--") && has:
		i := p.curlLetter(name[1:])
		if i < 0 {
			return fmt.Errorf("%s is not one letter of a flag that has a value", name)
		}
		name = "--" + p.flags[i].Name
	}
	switch {
	case has:
		p.curlLong(name+"="+value, nil, all)
	case strings.HasPrefix(name, "--"):
		p.curlLong(name, nil, all)
	default:
		p.curlShort(name, nil, all)
	}
	return nil
}

// curlValue reads a value; there is none when the line is over, or a comment
// follows.
func curlValue(s string) (value string, has bool, err error) {
	if s == "" || s[0] == '#' {
		return "", false, nil
	}
	after := ""
	if s[0] != '"' {
		value = s
		if i := strings.IndexAny(s, " \t"); i >= 0 {
			value, after = s[:i], s[i:]
		}
	} else if value, after, err = curlQuoted(s[1:]); err != nil {
		return "", false, err
	}
	if after = strings.TrimLeft(after, " \t"); after != "" && after[0] != '#' {
		return "", false, fmt.Errorf("%q follows the value; put a value with white space in double quotes", after)
	}
	return value, true, nil
}

// curlQuoted reads what stands behind an opening quote, and returns what follows
// the closing one.
func curlQuoted(s string) (value, after string, err error) {
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		switch c := s[i]; {
		case c == '"':
			return b.String(), s[i+1:], nil
		case c == '\\' && i+1 < len(s):
			i++
			if at := strings.IndexByte("tnrv", s[i]); at >= 0 {
				b.WriteByte("\t\n\r\v"[at])
			} else {
				b.WriteByte(s[i])
			}
		default:
			b.WriteByte(c)
		}
	}
	return "", "", fmt.Errorf("the quote of %q is not closed", s)
}
