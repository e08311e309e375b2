package client

import (
	"errors"
	"fmt"
	"strings"
)

// Netrc is what a file of logins says, ~/.netrc usually. It is immutable.
type Netrc struct{ machines []netrcMachine }

type netrcMachine struct {
	host            string // "" of default
	login, password string
}

// maxNetrc bounds a file of logins, in bytes.
const maxNetrc = 1 << 20

var errNetrc = errors.New("not a file of logins")

// ParseNetrc reads a file of logins:
//
//	machine example.org login ann password "a secret"
//	default login anonymous password x
//
// Words may be in double quotes, with \" \\ \n \r and \t in them; # begins a
// comment where a word may begin. account is read and means nothing; what
// macdef defines ends with an empty line and is passed over. Any other word is
// an error, which does not repeat it: it may be a part of a password.
func ParseNetrc(text string) (*Netrc, error) {
	if len(text) > maxNetrc {
		return nil, fmt.Errorf("%w: it has more than %d bytes", errNetrc, maxNetrc)
	}
	n := &Netrc{}
	w := netrcWords{text: text, line: 1}
	var at *netrcMachine
	for {
		word, ok, err := w.next()
		if err != nil {
			return nil, err
		}
		if !ok {
			return n, nil
		}
		switch word {
		case "default":
			n.machines = append(n.machines, netrcMachine{})
			at = &n.machines[len(n.machines)-1]
			continue
		case "macdef":
			w.skipMacro()
			continue
		case "machine", "login", "password", "account":
		default:
			return nil, fmt.Errorf("%w: line %d: a word that is none of machine, default, login, password, account and macdef; put a password with spaces in quotes", errNetrc, w.line)
		}
		value, ok, err := w.next()
		switch {
		case err != nil:
			return nil, err
		case !ok:
			return nil, fmt.Errorf("%w: line %d: nothing follows %s", errNetrc, w.line, word)
		case word == "machine":
			if value == "" {
				return nil, fmt.Errorf("%w: line %d: a machine without a name", errNetrc, w.line)
			}
			n.machines = append(n.machines, netrcMachine{host: strings.ToLower(value)})
			at = &n.machines[len(n.machines)-1]
		case at == nil:
			return nil, fmt.Errorf("%w: line %d: %s comes before a machine", errNetrc, w.line, word)
		case word == "login":
			at.login = value
		case word == "password":
			at.password = value
		}
	}
}

// Find returns the login for a host: the first that fits, the one of default
// when none does. With a login it is the first with that one.
func (n *Netrc) Find(host, login string) (user, password string, ok bool) {
	if user, password, ok = n.FindNamed(host, login); ok {
		return user, password, true
	}
	return n.find("", login)
}

// FindNamed is Find without default: for hosts that somebody else has named, as
// a server does with a redirect, who would get what default has by that.
func (n *Netrc) FindNamed(host, login string) (user, password string, ok bool) {
	if host == "" {
		return "", "", false
	}
	return n.find(strings.ToLower(host), login)
}

// find looks through the logins of a machine, "" for default.
func (n *Netrc) find(machine, login string) (user, password string, ok bool) {
	if n == nil {
		return "", "", false
	}
	for _, m := range n.machines {
		if m.host == machine && (login == "" || m.login == login) && m.login+m.password != "" {
			return m.login, m.password, true
		}
	}
	return "", "", false
}

// netrcWords divides a file of logins into words.
type netrcWords struct {
	text string
	line int
}

// next returns the next word; it is not ok at the end.
func (w *netrcWords) next() (word string, ok bool, err error) {
	for w.text != "" {
		switch c := w.text[0]; {
		case c == '\n':
			w.line++
			w.text = w.text[1:]
		case c == ' ' || c == '\t' || c == '\r' || c == '\f' || c == '\v':
			w.text = w.text[1:]
		case c == '#':
			i := strings.IndexByte(w.text, '\n')
			if i < 0 {
				i = len(w.text)
			}
			w.text = w.text[i:]
		case c == '"':
			return w.quoted()
		default:
			i := strings.IndexAny(w.text, " \t\r\n\f\v")
			if i < 0 {
				i = len(w.text)
			}
			word, w.text = w.text[:i], w.text[i:]
			if strings.ContainsFunc(word, isControl) {
				return "", false, fmt.Errorf("%w: line %d: a control character", errNetrc, w.line)
			}
			return word, true, nil
		}
	}
	return "", false, nil
}

// quoted returns a word in quotes.
func (w *netrcWords) quoted() (word string, ok bool, err error) {
	var b strings.Builder
	for i := 1; i < len(w.text); i++ {
		switch c := w.text[i]; {
		case c == '"':
			w.text = w.text[i+1:]
			if w.text != "" && !strings.ContainsRune(" \t\r\n\f\v", rune(w.text[0])) {
				return "", false, fmt.Errorf("%w: line %d: something follows a quote at once", errNetrc, w.line)
			}
			return b.String(), true, nil
		case c == '\\' && i+1 < len(w.text):
			i++
			switch w.text[i] {
			case 'n':
				b.WriteByte('\n')
			case 'r':
				b.WriteByte('\r')
			case 't':
				b.WriteByte('\t')
			default:
				b.WriteByte(w.text[i])
			}
		case c == '\n' || c == 0:
			return "", false, fmt.Errorf("%w: line %d: a quote that is not closed", errNetrc, w.line)
		default:
			b.WriteByte(c)
		}
	}
	return "", false, fmt.Errorf("%w: line %d: a quote that is not closed", errNetrc, w.line)
}

// skipMacro passes over what macdef defines, up to an empty line.
func (w *netrcWords) skipMacro() {
	text, after, ok := strings.Cut(w.text, "\n\n")
	if i := strings.Index(w.text, "\n\r\n"); i >= 0 && (!ok || i < len(text)) {
		text, after, ok = w.text[:i], w.text[i+3:], true
	}
	w.line += strings.Count(text, "\n")
	w.text = ""
	if ok {
		w.line += 2
		w.text = after
	}
}
