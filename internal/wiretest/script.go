package wiretest

import (
	"fmt"
	"strconv"
	"strings"
)

// command is one line of a script, not yet expanded: variables get their
// values while the script runs.
type command struct {
	line  int
	text  string
	block []string // the indented lines below it
}

// word is one argument. Operators such as ~ are operators only unquoted.
type word struct {
	text   string
	quoted bool
}

func parseScript(script string) ([]command, error) {
	var commands []command
	for i, line := range strings.Split(script, "\n") {
		trimmed := strings.TrimSpace(line)
		switch {
		case trimmed == "" || strings.HasPrefix(line, "#"):
		case strings.HasPrefix(line, "\t"):
			if len(commands) == 0 {
				return nil, fmt.Errorf("line %d: an indented line without a command above it", i+1)
			}
			last := &commands[len(commands)-1]
			last.block = append(last.block, line[1:])
		default:
			commands = append(commands, command{line: i + 1, text: trimmed})
		}
	}
	return commands, nil
}

// lookup returns the value of a variable; nil knows none.
type lookup func(name string) (value string, ok bool)

// words splits a line and replaces its variables.
func words(line string, vars lookup) ([]word, error) {
	var list []word
	for {
		line = strings.TrimLeft(line, " \t")
		if line == "" {
			return list, nil
		}
		var w word
		var err error
		if line[0] == '"' {
			w, line, err = quoted(line, vars)
		} else {
			end := strings.IndexAny(line, " \t")
			if end < 0 {
				end = len(line)
			}
			w.text, err = expand(line[:end], vars)
			line = line[end:]
		}
		if err != nil {
			return nil, err
		}
		list = append(list, w)
	}
}

// quoted reads "text" or "text"*N at the start of line.
func quoted(line string, vars lookup) (w word, rest string, err error) {
	end := 1
	for end < len(line) && line[end] != '"' {
		if line[end] == '\\' {
			end++
		}
		end++
	}
	if end >= len(line) {
		return w, "", fmt.Errorf("a quote is not closed: %s", line)
	}
	// Unquoted in pieces, so that a variable's value is taken as it is.
	for i, piece := range strings.Split(line[1:end], "${") {
		if i > 0 {
			name, after, ok := strings.Cut(piece, "}")
			value, known := vars.value(name)
			if !ok || !known {
				return w, "", fmt.Errorf("no variable ${%s}", name)
			}
			w.text += value
			piece = after
		}
		text, err := strconv.Unquote(`"` + piece + `"`)
		if err != nil {
			return w, "", fmt.Errorf("bad escape in %q", piece)
		}
		w.text += text
	}
	w.quoted = true
	rest = line[end+1:]
	if after, ok := strings.CutPrefix(rest, "*"); ok {
		digits := len(after) - len(strings.TrimLeft(after, "0123456789"))
		n, err := strconv.Atoi(after[:digits])
		if err != nil || n > 1<<20 {
			return w, "", fmt.Errorf("bad repetition: *%s", after)
		}
		w.text = strings.Repeat(w.text, n)
		rest = after[digits:]
	}
	if rest != "" && !strings.HasPrefix(rest, " ") && !strings.HasPrefix(rest, "\t") {
		return w, "", fmt.Errorf("a blank is missing before %s", rest)
	}
	return w, rest, nil
}

func (vars lookup) value(name string) (string, bool) {
	if vars == nil {
		return "", false
	}
	return vars(name)
}

func expand(text string, vars lookup) (string, error) {
	var out strings.Builder
	for {
		before, after, ok := strings.Cut(text, "${")
		out.WriteString(before)
		if !ok {
			return out.String(), nil
		}
		name, rest, ok := strings.Cut(after, "}")
		value, known := vars.value(name)
		if !ok || !known {
			return "", fmt.Errorf("no variable ${%s}", name)
		}
		out.WriteString(value)
		text = rest
	}
}

// concat joins the words that tx and write send.
func concat(list []word) string {
	var out strings.Builder
	for _, w := range list {
		out.WriteString(w.text)
	}
	return out.String()
}
