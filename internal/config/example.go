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
			case f.Name == "max-body-bytes":
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
		return text
	case Size, Duration, Choice:
		if _, err := strconv.ParseInt(text, 10, 64); err == nil && f.Kind != Duration {
			return text
		}
	case MIMEType:
		ext, typ, _ := strings.Cut(text, "=")
		return fmt.Sprintf("{ %q = %q }", ext, typ)
	}
	if f.Repeat {
		return fmt.Sprintf("[%q]", text)
	}
	return strconv.Quote(text)
}
