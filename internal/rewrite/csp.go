package rewrite

import (
	"net/http"
	"strings"
)

// AllowSheet changes the Content-Security-Policy fields of an answer so that
// they allow the sheet, by its hash, and nothing else that they did not allow
// before. It returns whether something was changed. Policies that allow every
// style in the document stay as they are: a hash would turn that off. What is
// only reported stays, too. One case is not served: of 'unsafe-inline' beside
// 'strict-dynamic' browsers make different things for styles, so it stays, and
// Chromium then refuses the sheet with all other styles.
func AllowSheet(h http.Header, sheet *Sheet) bool {
	changed := false
	lines := h["Content-Security-Policy"]
	for i, line := range lines {
		policies := strings.Split(line, ",")
		for j, p := range policies {
			policies[j] = allowIn(p, sheet.source)
		}
		if joined := strings.Join(policies, ","); joined != line {
			if !changed {
				lines = append([]string(nil), lines...) // they may be shared
			}
			lines[i], changed = joined, true
		}
	}
	if changed {
		h["Content-Security-Policy"] = lines
	}
	return changed
}

// Nonce returns the nonce that the policies of an answer allow styles by, when
// there is one that all of those have that need one; else "".
func Nonce(h http.Header) string {
	nonce := ""
	for _, line := range h["Content-Security-Policy"] {
		for p := range strings.SplitSeq(line, ",") {
			d, ok := styleDirective(strings.Split(p, ";"))
			if !ok || openToAll(d.sources) {
				continue
			}
			n := nonceOf(d.sources)
			if n == "" || nonce != "" && n != nonce {
				return ""
			}
			nonce = n
		}
	}
	return nonce
}

// A directive is one of a policy.
type directive struct {
	index   int // among the parts between semicolons
	name    string
	sources []string
}

// styleDirective finds the directive that decides about style elements (CSP 3
// §6.8.3): the first of its name counts.
func styleDirective(parts []string) (directive, bool) {
	found := map[string]directive{}
	for i, part := range parts {
		words := strings.FieldsFunc(part, func(r rune) bool { return strings.ContainsRune(whitespace, r) })
		if len(words) == 0 {
			continue
		}
		name := strings.ToLower(words[0])
		if _, twice := found[name]; !twice {
			found[name] = directive{i, name, words[1:]}
		}
	}
	for _, name := range []string{"style-src-elem", "style-src", "default-src"} {
		if d, ok := found[name]; ok {
			return d, true
		}
	}
	return directive{}, false
}

// allowIn returns a policy that allows a source for style elements, too.
func allowIn(policy, source string) string {
	parts := strings.Split(policy, ";")
	d, ok := styleDirective(parts)
	if !ok || openToAll(d.sources) || hasSource(d.sources, source) {
		return policy
	}
	sources := make([]string, 0, len(d.sources)+1)
	for _, s := range d.sources {
		if !strings.EqualFold(s, "'none'") { // which stands alone
			sources = append(sources, s)
		}
	}
	list := strings.Join(append(sources, source), " ")
	if d.name != "default-src" {
		part := parts[d.index]
		lead := part[:len(part)-len(strings.TrimLeft(part, whitespace))]
		name := strings.TrimLeft(part, whitespace)[:len(d.name)]
		parts[d.index] = lead + name + " " + list
		return strings.Join(parts, ";")
	}
	// The hash must not be for scripts, too, so styles get a directive of their
	// own that says what the default says.
	return strings.TrimRight(policy, whitespace+";") + "; style-src " + list
}

// openToAll reports whether a list allows every style in a document (CSP 3
// §6.7.3.2): 'unsafe-inline' does, as long as there is neither nonce nor hash.
func openToAll(sources []string) bool {
	open := false
	for _, s := range sources {
		switch s = strings.ToLower(s); {
		case s == "'unsafe-inline'":
			open = true
		case strings.HasPrefix(s, "'nonce-"), strings.HasPrefix(s, "'sha256-"), strings.HasPrefix(s, "'sha384-"), strings.HasPrefix(s, "'sha512-"):
			return false
		}
	}
	return open
}

// hasSource compares hashes as CSP does: two alphabets are one.
func hasSource(sources []string, source string) bool {
	plain := strings.NewReplacer("-", "+", "_", "/")
	const prefix = len("'sha256-")
	for _, s := range sources {
		if len(s) == len(source) && strings.EqualFold(s[:prefix], source[:prefix]) && plain.Replace(s[prefix:]) == source[prefix:] {
			return true
		}
	}
	return false
}

func nonceOf(sources []string) string {
	const prefix = "'nonce-"
	for _, s := range sources {
		if len(s) > len(prefix) && strings.EqualFold(s[:len(prefix)], prefix) && strings.HasSuffix(s, "'") {
			if n := s[len(prefix) : len(s)-1]; isNonce(n) {
				return n
			}
		}
	}
	return ""
}

// allows reports whether a policy allows the sheet as it is, perhaps with a
// nonce.
func allows(policy string, sheet *Sheet) (nonce string, ok bool) {
	d, found := styleDirective(strings.Split(policy, ";"))
	if !found || openToAll(d.sources) || hasSource(d.sources, sheet.source) {
		return "", true
	}
	nonce = nonceOf(d.sources)
	return nonce, nonce != ""
}
