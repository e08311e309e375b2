package config

import (
	"fmt"
	"strconv"
	"strings"
	"time"
)

// Reference returns the reference page of the command, in Markdown.
func (c *Command) Reference() string {
	var b strings.Builder
	fmt.Fprintf(&b, "# freshet %s\n\n", c.Name)
	b.WriteString("<!-- Made from the table in internal/config by go generate; edit it there. -->\n\n")
	fmt.Fprintf(&b, "```\n%s\n```\n\n%s\n", strings.TrimSpace("freshet "+c.Name+" "+c.Usage), c.Long)
	if len(c.Flags) == 0 {
		return b.String()
	}
	fmt.Fprintf(&b, "\n%s\n", c.grammar())
	group := ""
	for i := range c.Flags {
		f := &c.Flags[i]
		if f.Group != group {
			group = f.Group
			fmt.Fprintf(&b, "\n## %s\n", group)
		}
		fmt.Fprintf(&b, "\n### `%s`\n\n%s\n", f.usage(), f.Doc)
		for i, line := range f.facts() {
			if i == 0 {
				b.WriteByte('\n')
			}
			fmt.Fprintf(&b, "- %s\n", line)
		}
	}
	return b.String()
}

// facts are the columns of the table that are not prose.
func (f *Flag) facts() []string {
	var facts []string
	if f.Default != "" {
		facts = append(facts, "Default: `"+f.Default+"`")
	}
	facts = append(facts, f.bounds()...)
	if f.bare {
		return facts
	}
	return append(facts, "Environment: `"+f.Env()+"`")
}

// bounds are those that say which values there are.
func (f *Flag) bounds() []string {
	var facts []string
	if f.Min > 0 || f.Max > 0 {
		show := func(n int64) string { return strconv.FormatInt(n, 10) }
		switch f.Kind {
		case Size:
			show = formatSize
		case Duration, CachePolicy, Seconds:
			show = func(n int64) string { return formatDuration(time.Duration(n)) }
		}
		switch {
		case f.Max == 0:
			facts = append(facts, "At least: "+show(f.Min))
		case f.Min == 0:
			facts = append(facts, "At most: "+show(f.Max))
		default:
			facts = append(facts, "From "+show(f.Min)+" to "+show(f.Max))
		}
	}
	if len(f.Choices) > 1 {
		facts = append(facts, "One of: `"+strings.Join(f.Choices, "`, `")+"`")
		if f.Kind == Set {
			facts[len(facts)-1] = "Any of: `" + strings.Join(f.Choices, "`, `") + "`"
		}
	}
	if f.Off {
		facts = append(facts, "`off`: "+f.offIs())
	}
	if f.Repeat {
		facts = append(facts, "May be given more than once")
	}
	return facts
}
