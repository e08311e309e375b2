package config

import (
	"path/filepath"
	"strings"
)

// settings are what was said about some rows of the table, and by whom: the
// command line, else the environment, else a file, else the default.
type settings struct {
	flags  []Flag
	given  []given
	src    *source // the file, nil without one
	faults Faults

	autoSites bool // some site of the file gets certificates by ACME
}

// given is what was said about one row.
type given struct {
	values []value
	env    bool  // by the environment
	node   *node // where it stands in the file, nil for others
}

type value struct {
	text string
	node *node // where it stands in the file, nil for others
}

func newSettings(flags []Flag, src *source) *settings {
	return &settings{flags: flags, given: make([]given, len(flags)), src: src}
}

// index returns the row of that name, -1 without one.
func (s *settings) index(name string) int {
	for i := range s.flags {
		if f := &s.flags[i]; f.Name == name || f.Short == name && name != "" {
			return i
		}
	}
	return -1
}

// has reports whether a row was given.
func (s *settings) has(name string) bool {
	i := s.index(name)
	return i >= 0 && len(s.given[i].values) > 0
}

// label is what a row is called in a fault.
func (s *settings) label(name string) string {
	if s.src == nil {
		return "--" + name
	}
	return s.flags[s.index(name)].key()
}

// faultAbout is a fault that the value of a row causes.
func (s *settings) faultAbout(name, format string, args ...any) {
	if i := s.index(name); i >= 0 && s.given[i].node != nil {
		s.faults = append(s.faults, *s.src.fault(s.given[i].node.name, format, args...))
		return
	}
	s.fault(format, args...)
}

// store puts values, or else defaults, where they belong.
func (s *settings) store(to *sections) {
	for i := range s.flags {
		f, g := &s.flags[i], s.given[i]
		values := g.values
		if len(values) == 0 && f.Default != "" {
			values = []value{{text: f.Default}}
		}
		for _, v := range values {
			if secret, ok := f.field(to).(*Secret); ok && g.env {
				secret.Text = v.text
				continue
			}
			if err := f.put(to, v.text); err != nil {
				s.bad(f, v, g.env, err)
			}
		}
	}
}

// bad is the fault of a value.
func (s *settings) bad(f *Flag, v value, env bool, err error) {
	switch {
	case v.node != nil:
		s.faults = append(s.faults, *s.src.fault(v.node.at, "bad value %q for %s: %v", v.text, f.key(), err))
	case env:
		s.fault("bad value %q for %s: %v", v.text, f.Env(), err)
	default:
		s.fault("bad value %q for --%s: %v", v.text, f.Name, err)
	}
}

// list returns what was given, in the order of the table.
func (s *settings) list() []Setting {
	var all []Setting
	for i := range s.flags {
		f, g := &s.flags[i], s.given[i]
		if len(g.values) == 0 {
			continue
		}
		set := Setting{Key: f.key()}
		for j, v := range g.values {
			if j > 0 {
				set.Value += ", "
			}
			set.Value += v.text
		}
		if f.shown != nil {
			set.Value = f.shown(set.Value)
		}
		if f.Kind == SecretFile && g.env {
			set.Value = "(secret)"
		}
		switch {
		case g.node != nil:
			set.Line = lineOf(s.src.data, g.node.name.start)
		case g.env:
			set.From = f.Env()
		default:
			set.From = "--" + f.Name
		}
		all = append(all, set)
	}
	return all
}

// take notes the members of a table of the file. Those that rows does not have
// go to other, which says whether it knows them; the rest are faults.
func (s *settings) take(table *node, where string, known []string, other func(*node) bool) {
	for _, n := range table.list {
		i := s.indexOfKey(n.key)
		switch {
		case i >= 0:
			s.takeNode(i, n)
		case !other(n):
			s.unknownKey(n, where, known)
		}
	}
}

func (s *settings) indexOfKey(key string) int {
	for i := range s.flags {
		if s.flags[i].key() == key {
			return i
		}
	}
	return -1
}

func (s *settings) unknownKey(n *node, where string, more []string) {
	known := append([]string(nil), more...)
	for i := range s.flags {
		known = append(known, s.flags[i].key())
	}
	text := "unknown key %q in " + where
	args := []any{n.key}
	if near := Nearest(n.key, known); near != "" {
		text += "; did you mean %s?"
		args = append(args, near)
	} else {
		text += "; \"freshet config example\" shows those that there are"
	}
	s.faults = append(s.faults, *s.src.fault(n.name, text, args...))
}

// takeNode notes the value of a row, unless a flag or a variable overrides it;
// then it is only looked at.
func (s *settings) takeNode(i int, n *node) {
	f := &s.flags[i]
	values, fault := s.values(f, n)
	if fault != nil {
		s.faults = append(s.faults, *fault)
		return
	}
	if len(s.given[i].values) == 0 {
		s.given[i] = given{values: values, node: n}
		return
	}
	for _, v := range values {
		if err := f.put(newSections(), v.text); err != nil {
			s.bad(f, v, false, err)
		}
	}
}

// values returns what a node says about a row, in the form of the command line.
func (s *settings) values(f *Flag, n *node) ([]value, *Fault) {
	switch {
	case n.kind == arrayNode && f.Kind == Set:
		words := make([]string, len(n.list))
		for i, e := range n.list {
			words[i] = e.text
		}
		return []value{{strings.Join(words, ","), n}}, nil
	case n.kind == arrayNode && f.Repeat && len(n.list) == 0:
		return nil, s.src.fault(n.name, "%s is empty; give at least one value, or leave it out", f.key())
	case n.kind == arrayNode && f.Repeat:
		var all []value
		for _, e := range n.list {
			v, fault := s.scalar(f, e)
			if fault != nil {
				return nil, fault
			}
			all = append(all, v)
		}
		return all, nil
	case n.kind == arrayNode:
		return nil, s.src.fault(n.at, "%s takes one value, without brackets", f.key())
	case n.kind == tableNode && (f.Kind == MIMEType || f.Kind == Named):
		var all []value
		for _, m := range n.list {
			all = append(all, value{m.key + "=" + m.text, m})
		}
		return all, nil
	}
	v, fault := s.scalar(f, n)
	return []value{v}, fault
}

func (s *settings) scalar(f *Flag, n *node) (value, *Fault) {
	text, ok := n.text, n.kind == textNode
	switch n.kind {
	case numberNode:
		ok = f.Kind == Number || f.Kind == Size || f.Kind == Duration || f.Kind == Choice
	case boolNode:
		ok = f.Kind == Switch || f.Kind == OnOff || f.Off || strings.Contains(f.Value, "off")
		text = map[string]string{"true": "on", "false": "off"}[n.text]
	}
	if !ok {
		return value{}, s.src.fault(n.at, "%s is %s here; give %s", f.key(), n.what(), f.form())
	}
	return value{s.inFolder(f, text), n}, nil
}

// form says in which form of TOML a row is given.
func (f *Flag) form() string {
	switch f.Kind {
	case Switch, OnOff:
		return "true or false"
	case Number:
		return "a number"
	case Size:
		return "a size such as \"256MiB\""
	case Duration:
		return "a duration such as \"10s\""
	}
	if f.Kind == Named {
		return f.literal(f.Example)
	}
	if f.Repeat {
		return "a string in quotes, or an array of them"
	}
	return "a string in quotes"
}

// inFolder completes a relative path of the file: it begins where the file is.
func (s *settings) inFolder(f *Flag, text string) string {
	dir := filepath.Dir(s.src.name)
	if dir == "." || text == "" {
		return text
	}
	switch f.Kind {
	case FilePath, SecretFile, KeySource:
		if text == "-" || f.Kind == KeySource && strings.Contains(text, "://") || text == "off" && strings.Contains(f.Value, "off") || filepath.IsAbs(text) {
			return text
		}
		return filepath.Join(dir, text)
	case Address, OriginURL, BackendAddress:
		if path, ok := strings.CutPrefix(text, "unix:"); ok && path != "" && path[0] != '@' && !filepath.IsAbs(path) {
			return "unix:" + filepath.Join(dir, path)
		}
	}
	return text
}
