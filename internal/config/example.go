package config

import (
	"fmt"
	"strconv"
	"strings"
)

// Example returns a complete configuration file: every key, with its default
// or an example, commented out, and what it means.
func Example() string {
	var b strings.Builder
	b.WriteString("# A configuration of freshet: freshet run -c FILE.\n#\n")
	comment(&b, "Every key is here. Those that are commented out show their default; those marked \"unset\" have none and show an example. "+
		"Sizes are 64k, 256MiB (powers of 1024) or 1GB (of 1000), durations 500ms, 10s, 5m, 2h or 30d. Relative paths begin at the folder of this file.")
	b.WriteString("\n[server]\n")
	exampleRows(&b, serverFlags)
	b.WriteString("\n")
	comment(&b, "Fields of all answers of the routes; also in a site and in a route.")
	b.WriteString("[server.headers]\n")
	exampleRows(&b, fieldRows)
	b.WriteString("\n[[site]]\n")
	exampleRows(&b, siteRows)
	for _, r := range []struct {
		about, key, path string
		rows             []Flag
	}{
		{"A route that serves a folder.", "static", "/", folderRows},
		{"A route that passes requests on, with a cache.", "to", "/api/", originRows},
		{"A route that runs programs, with a cache.", "cgi", "/cgi-bin/", cgiRows},
		{"A route that passes requests on to a FastCGI backend, with a cache.", "fastcgi", "/app/", fastcgiRows},
		{"A route that sends clients elsewhere.", "redirect", "/old/", redirectRows},
	} {
		b.WriteString("\n")
		comment(&b, r.about)
		b.WriteString("[[site.route]]\n")
		for _, f := range routeRows {
			switch {
			case f.Name == "path":
				about(&b, &f)
				fmt.Fprintf(&b, "path = %q\n", r.path)
			case f.Name == r.key:
				about(&b, &f)
				fmt.Fprintf(&b, "%s = %s\n", f.key(), f.literal(f.Example))
			case f.Name != "static" && f.Name != "redirect":
				exampleRow(&b, &f)
			}
		}
		for i := range r.rows {
			f := &r.rows[i]
			if f.Name != r.key {
				exampleRow(&b, f)
				continue
			}
			about(&b, f)
			fmt.Fprintf(&b, "%s = %s\n", f.key(), f.literal(f.Example))
		}
	}
	return b.String()
}

func exampleRows(b *strings.Builder, rows []Flag) {
	for i := range rows {
		exampleRow(b, &rows[i])
	}
}

// exampleRow writes a key that is commented out, without a space after the
// mark, which prose has.
func exampleRow(b *strings.Builder, f *Flag) {
	about(b, f)
	switch {
	case f.Default != "":
		fmt.Fprintf(b, "#%s = %s\n", f.key(), f.literal(f.Default))
	case f.Kind == Switch:
		fmt.Fprintf(b, "#%s = false\n", f.key())
	default:
		fmt.Fprintf(b, "#%s = %s # unset\n", f.key(), f.literal(f.Example))
	}
}

func about(b *strings.Builder, f *Flag) {
	b.WriteString("\n")
	comment(b, strings.ReplaceAll(f.Doc, "--", ""))
}

func comment(b *strings.Builder, text string) {
	for _, line := range wrap(text, width-2) {
		b.WriteString("# " + line + "\n")
	}
}

// literal writes a value as TOML.
func (f *Flag) literal(text string) string {
	switch f.Kind {
	case FieldRule:
		return text
	case OnOff:
		return map[string]string{"on": "true", "off": "false"}[text]
	case Number:
		if text != "off" {
			return text
		}
	case Size, Duration, Choice:
		if _, err := strconv.ParseInt(text, 10, 64); err == nil && f.Kind != Duration {
			return text
		}
	case MIMEType:
		ext, typ, _ := strings.Cut(text, "=")
		return fmt.Sprintf("{ %q = %q }", ext, typ)
	}
	if f.Kind == Named {
		name, n, _ := strings.Cut(text, "=")
		return fmt.Sprintf("{ %s = %s }", name, n)
	}
	if f.Repeat {
		return fmt.Sprintf("[%q]", text)
	}
	return strconv.Quote(text)
}

// FileReference returns the reference page of the configuration file, in
// Markdown.
func FileReference() string {
	var b strings.Builder
	b.WriteString("# The configuration file\n\n")
	b.WriteString("<!-- Made from the table in internal/config by go generate; edit it there. -->\n\n")
	b.WriteString("`freshet run -c FILE` serves what a TOML file says. `freshet config check FILE` says what is wrong with it, " +
		"`freshet config explain URL` who answers for an address, and `freshet config example` prints a file with every key.\n\n" +
		"Tables are `[server]`, `[[site]]` and, below a site, `[[site.route]]`. Their order, and that of keys, does not matter. " +
		"An unknown key is a fault. Sizes are \"64k\", \"256MiB\" (powers of 1024) or \"1GB\" (of 1000), durations \"500ms\", \"10s\", \"5m\", \"2h\" or \"30d\"; " +
		"a key that may be given more than once takes an array. Relative paths begin at the folder of the file.\n\n" +
		"Keys of `[server]` are flags of `freshet run`, too: a flag goes before its variable in the environment, and that before the file.\n\n" +
		"The file is looked at every two seconds and at SIGHUP. All of it is obeyed, or, when there is a fault in it, nothing. " +
		"What a route serves goes on, with its connections and what it keeps, unless its own keys change; requests under way end as they began. " +
		"Listeners whose address stays are kept. Keys marked so are obeyed at the next start.\n")
	for _, t := range []struct {
		title, about string
		rows         []Flag
	}{
		{"[server]", "What is so for all sites.", serverFlags},
		{"headers", "In `[server]`, `[[site]]` and `[[site.route]]`: what is done to the fields of a route's answers.", fieldRows},
		{"[[site]]", "What some hosts have.", siteRows},
		{"[[site.route]]", "What some paths of a site have. Which further keys there are depends on what the route does.", routeRows},
		{"[[site.route]] with static", "A folder.", folderRows},
		{"[[site.route]] with proxy", "Origins, with a cache in front of them.", originRows},
		{"[[site.route]] with cgi", "A folder of programs, with a cache in front of them.", cgiRows},
		{"[[site.route]] with fastcgi", "A FastCGI backend, with a cache in front of it.", fastcgiRows},
		{"[[site.route]] with redirect", "Another address.", redirectRows},
	} {
		fmt.Fprintf(&b, "\n## %s\n\n%s\n", t.title, t.about)
		for i := range t.rows {
			f := &t.rows[i]
			fmt.Fprintf(&b, "\n### `%s`\n\n%s\n\n", f.key(), strings.ReplaceAll(f.Doc, "--", ""))
			for _, line := range f.fileFacts() {
				fmt.Fprintf(&b, "- %s\n", line)
			}
		}
	}
	return b.String()
}

// fileFacts are the columns of the table that are about the file.
func (f *Flag) fileFacts() []string {
	value := f.Default
	if value == "" {
		value = f.Example
	}
	line := "#" + f.key() + " = false"
	if value != "" {
		line = f.key() + " = " + f.literal(value)
	}
	facts := []string{"Example: `" + strings.TrimPrefix(line, "#") + "`"}
	if f.Default != "" || f.Kind == Switch {
		facts[0] = "Default: `" + strings.TrimPrefix(line, "#") + "`"
	}
	for _, fact := range f.bounds() {
		if f.Repeat && f.Kind == Named {
			fact = strings.ReplaceAll(fact, "May be given more than once", "A table of numbers")
		}
		facts = append(facts, strings.ReplaceAll(fact, "May be given more than once", "One value, or an array of them"))
	}
	if f.Restart {
		facts = append(facts, "A change is obeyed at the next start")
	}
	return facts
}
