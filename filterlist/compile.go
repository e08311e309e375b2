package filterlist

import (
	"crypto/sha256"
	"encoding/hex"
	"hash"
	"sort"
	"strings"
)

// compiler is a Set in the making.
type compiler struct {
	set      *Set
	builders map[*index]*builder
	bad      map[string]bool // what $badfilter names
	hash     hash.Hash
	steps    int // of regular expressions
	hide     hideBuilder
}

// Compile compiles lists. It never fails: what it does not understand, it
// leaves out and counts, see [Set.Lists]. It keeps the texts.
func Compile(sources []Source) *Set {
	set := &Set{extras: make([]extra, 1)}
	c := &compiler{set: set, builders: map[*index]*builder{}, hash: sha256.New()}
	c.hash.Write([]byte(generation))
	total := 0
	for i, source := range sources {
		info := ListInfo{Name: source.Name}
		if i >= maxSources {
			info.unsupported("more than 1000 lists", 0, "")
			source.Text = ""
		}
		if len(source.Text) > maxText {
			source.Text = source.Text[:maxText]
			info.unsupported("a list longer than 256 MiB, cut off there", 0, "")
		}
		if total += len(source.Text); total > maxAllText {
			info.unsupported("more than 1 GiB of lists", 0, "")
			source.Text = ""
		}
		info.inspect(source.Text)
		set.sources = append(set.sources, source)
		set.lists = append(set.lists, info)
	}
	for i := range set.sources {
		c.findBad(i)
	}
	for i := range min(len(set.sources), maxSources) {
		c.compile(i)
	}
	for _, x := range []*index{&set.important, &set.block, &set.allow, &set.scopes, &set.redirect, &set.params, &set.policies} {
		if b := c.builders[x]; b != nil {
			*x = b.index()
		}
	}
	set.hide = c.hide.build()
	set.version = hex.EncodeToString(c.hash.Sum(nil)[:8])
	for i := range set.lists {
		set.lists[i].sort()
	}
	return set
}

// rulesOf goes through the lines of a list that are rules, hosts or domains,
// where conditions leave them. tell is told of what cannot be applied.
func rulesOf(text string, header bool, tell func(reason string, number int, line string), rule func(kind lineKind, number, offset int, line string)) {
	var b branches
	lines(text, func(number, offset int, line string) bool {
		kind := kindOf(line, header)
		switch {
		case kind == lineComment:
			return true
		case kind == lineDirective:
			if reason := b.directive(line); reason != "" {
				tell(reason, number, line)
			}
			return true
		case b.skip:
			b.skip = false
		case b.off():
		case len(line) > maxLine:
			tell("a line longer than 32 KiB", number, line[:80])
		default:
			rule(kind, number, offset, line)
		}
		return true
	})
}

// findBad gathers the rules that $badfilter names.
func (c *compiler) findBad(i int) {
	text := c.set.sources[i].Text
	if !strings.Contains(text, "badfilter") {
		return
	}
	rulesOf(text, c.set.lists[i].header, func(string, int, string) {}, func(kind lineKind, _, _ int, line string) {
		if kind != lineRule || !strings.Contains(line, "badfilter") {
			return
		}
		if _, hides := splitHiding(line); hides {
			return
		}
		if p, reason := parseNetwork(line); reason == "" && p.badfilter {
			if c.bad == nil {
				c.bad = map[string]bool{}
			}
			c.bad[canonical(line)] = true
		}
	})
}

// canonical is a network rule without $badfilter, its options by their main
// names and in order.
func canonical(line string) string {
	text, exception := strings.CutPrefix(line, "@@")
	pattern, opts, _ := splitOptions(text)
	var items []string
	for rest := opts; rest != ""; {
		var item string
		item, rest = nextOption(rest)
		name, value, has := strings.Cut(item, "=")
		bare, not := strings.CutPrefix(name, "~")
		o, ok := options[bare]
		if !ok || o.kind == optBadfilter {
			continue
		}
		if has {
			value = "=" + value
		}
		switch {
		case o.kind == optFirst && not || o.kind == optThird && !not:
			items = append(items, "third-party")
		case o.kind == optFirst || o.kind == optThird:
			items = append(items, "first-party")
		case not:
			items = append(items, "~"+o.name+value)
		default:
			items = append(items, o.name+value)
		}
	}
	sort.Strings(items)
	if exception {
		pattern = "@@" + pattern
	}
	return pattern + "$" + strings.Join(items, ",")
}

func (c *compiler) compile(i int) {
	info := &c.set.lists[i]
	rulesOf(c.set.sources[i].Text, info.header, info.unsupported, func(kind lineKind, number, offset int, line string) {
		at := place{uint16(i), uint32(offset), uint32(number)}
		reason := ""
		switch kind {
		case lineHosts:
			reason = c.addHosts(info, at, line)
		case lineDomain:
			name, _ := loneDomain(line)
			c.addEntry(info, at, name, 0)
		default:
			if h, ok := splitHiding(line); ok {
				reason = c.addHiding(info, at, h)
			} else {
				reason = c.addNetwork(info, at, line)
			}
		}
		if reason != "" {
			info.unsupported(reason, number, line)
		}
	})
}

// force notes that a line is in force.
func (c *compiler) force(kind byte, line string) {
	c.hash.Write([]byte{'\n', kind})
	c.hash.Write([]byte(line))
}

func (c *compiler) addHosts(info *ListInfo, at place, line string) (reason string) {
	names, reason := hostsNames(line)
	for _, name := range names {
		c.addEntry(info, at, name, flagExactHost)
	}
	return reason
}

// addEntry adds a name of a hosts file or of a list of domains.
func (c *compiler) addEntry(info *ListInfo, at place, name string, exact flags) {
	if c.bad["||"+name+"^$"] {
		info.Counts.Disabled++
		return
	}
	info.Counts.Hosts++
	kind := byte('d')
	if exact != 0 {
		kind = 'h'
	}
	c.force(kind, name)
	c.add(&c.set.block, at, &parsed{pattern: name, types: allTypes, flags: flagHostAnchor | flagWholeHost | flagEntry | exact})
}

func (c *compiler) addNetwork(info *ListInfo, at place, line string) (reason string) {
	p, reason := parseNetwork(line)
	if reason != "" {
		return reason
	}
	if p.badfilter {
		info.Counts.Badfilter++
		return ""
	}
	if c.bad != nil && c.bad[canonical(line)] {
		info.Counts.Disabled++
		return ""
	}
	if p.steps > 0 && c.steps+p.steps > maxAllSteps {
		return "more regular expressions than fit into 500,000 steps"
	}
	c.steps += p.steps
	c.force('n', line)
	c.file(info, at, p)
	return ""
}

// file puts a rule into the indexes where it is looked for.
func (c *compiler) file(info *ListInfo, at place, p *parsed) {
	s := c.set
	exception := p.flags&flagException != 0
	if p.flags&flagMatchCase != 0 {
		s.matchCase = true
	}
	if p.scopes != 0 {
		s.generic = s.generic || p.scopes&scopeGeneric != 0
		s.scopesRegexp = s.scopesRegexp || p.re != nil
		c.add(&s.scopes, at, p)
	}
	switch {
	case p.mod == modRemoveParam:
		c.add(&s.params, at, p)
	case p.mod == modCSP || p.mod == modPermissions:
		c.add(&s.policies, at, p)
	case p.mod == modRedirectRule || p.mod == modRedirect && exception:
		c.add(&s.redirect, at, p)
	case exception && p.types != 0:
		c.add(&s.allow, at, p)
	case exception:
	case p.flags&flagImportant != 0:
		c.add(&s.important, at, p)
	default:
		c.add(&s.block, at, p)
	}
	if p.mod == modRedirect && !exception {
		c.add(&s.redirect, at, p)
	}
	switch {
	case exception:
		info.Counts.Allow++
	case p.mod == modNone || p.mod == modRedirect:
		info.Counts.Block++
	}
	if p.mod != modNone {
		info.Counts.Modify++
	}
}

func (c *compiler) add(x *index, at place, p *parsed) {
	b := c.builders[x]
	if b == nil {
		b = &builder{}
		c.builders[x] = b
	}
	r := rule{
		pattern: uint32(len(c.set.patterns)), length: uint16(len(p.pattern)), flags: p.flags, types: p.types,
		source: at.source, offset: at.offset, line: at.line,
	}
	c.set.patterns = append(c.set.patterns, p.pattern...)
	x2 := extra{domains: p.domains, to: p.to, deny: p.deny, methods: p.methods, re: p.re, steps: p.steps, probes: probes(p.required), endings: p.endings, value: p.value, param: p.param, mod: p.mod, scopes: p.scopes}
	if p.domains != nil || p.to != nil || p.deny != nil || p.methods != nil || p.re != nil || p.mod != modNone || p.scopes != 0 {
		r.extra = uint32(len(c.set.extras))
		c.set.extras = append(c.set.extras, x2)
	}
	b.add(r, p)
}
