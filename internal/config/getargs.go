package config

import "strings"

// said is a value of the command line of freshet get.
type said struct {
	row  int
	text string
}

// curlArgs reads a command line as curl does, and returns what it says of flags
// with a value, in its order. Letters may be joined (-sSo FILE), the value may
// follow its letter at once (-XPUT), --no- in front of a switch turns it off,
// the value of a flag may begin with a dash, and of what is given twice the
// last counts. A value may also follow after "=". What a file of --config says
// stands in its place.
func (p *parser) curlArgs(args []string) ([]said, error) {
	var all []said
	for len(args) > 0 {
		arg := args[0]
		args = args[1:]
		if arg == "--" {
			p.operands = append(p.operands, args...)
			break
		}
		if len(arg) < 2 || arg[0] != '-' {
			p.operands = append(p.operands, arg)
			continue
		}
		if strings.HasPrefix(arg, "--") {
			args = p.curlLong(arg, args, &all)
		} else {
			args = p.curlShort(arg, args, &all)
		}
		if p.helpAsked {
			return nil, ErrHelp
		}
	}
	return all, nil
}

// curlLong reads --name, and returns the arguments behind it.
func (p *parser) curlLong(arg string, args []string, all *[]said) []string {
	name, value, has := strings.Cut(arg[2:], "=")
	if name == "help" {
		p.helpAsked = true
		return args
	}
	i := p.curlName(name)
	if i < 0 {
		if of, no := strings.CutPrefix(name, "no-"); no && !has {
			if j := p.curlName(of); j >= 0 && (p.flags[j].Kind == Switch || p.flags[j].Kind == OnOff) {
				p.curlAdd(j, "off", all)
				return args
			}
		}
		if weak, ok := curlsWeak[name]; ok {
			p.fault("%s: %s", strings.TrimSuffix(arg, "="+value), weak.instead)
			if weak.value && !has && len(args) > 0 {
				args = args[1:]
			}
			return args
		}
		p.unknown(arg, name)
		return args
	}
	switch {
	case has:
	case p.flags[i].Kind == Switch:
		value = "on"
	case len(args) == 0:
		p.fault("--%s needs a value: --%s %s", p.flags[i].Name, p.flags[i].Name, p.flags[i].Value)
		return args
	default:
		value, args = args[0], args[1:]
	}
	p.curlAdd(i, value, all)
	return args
}

// curlName is the row of a name, never one of a letter.
func (p *parser) curlName(name string) int {
	for i := range p.flags {
		if p.flags[i].Name == name {
			return i
		}
	}
	return -1
}

// curlLetter is the row of a letter.
func (p *parser) curlLetter(letter string) int {
	for i := range p.flags {
		if letter != "" && p.flags[i].Short == letter {
			return i
		}
	}
	return -1
}

// curlShort reads letters that follow a dash.
func (p *parser) curlShort(arg string, args []string, all *[]said) []string {
	for letters := arg[1:]; letters != ""; {
		letter := letters[:1]
		letters = letters[1:]
		if letter == "h" {
			p.helpAsked = true
			return args
		}
		i := p.curlLetter(letter)
		if letter == "2" || letter == "3" {
			p.fault("-%s: %s", letter, oldSSL)
			continue
		}
		if i < 0 {
			p.fault("unknown flag -%s; run %q for the list", letter, p.help)
			return args
		}
		f := &p.flags[i]
		if f.Kind == Switch {
			p.curlAdd(i, "on", all)
			continue
		}
		value := letters
		if value == "" {
			if len(args) == 0 {
				p.fault("-%s needs a value: -%s %s", letter, letter, f.Value)
				return args
			}
			value, args = args[0], args[1:]
		}
		p.curlAdd(i, value, all)
		break
	}
	return args
}

// curlAdd notes a value; the last counts.
func (p *parser) curlAdd(i int, text string, all *[]said) {
	if f := &p.flags[i]; !f.Repeat {
		p.given[i].values = nil
	}
	p.given[i].values = append(p.given[i].values, value{text: text})
	*all = append(*all, said{i, text})
	if p.flags[i].Name == "config" {
		p.curlFile(text, all)
	}
}
