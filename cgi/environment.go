package cgi

import (
	"net/http"
	"slices"
	"strings"
	"sync"

	"freshet/internal/gateway"
)

// defaultPath is PATH, unless Options.Env has one: the server's own may name
// folders that are not the programs' business.
const defaultPath = "/usr/local/bin:/usr/bin:/bin"

// constantVariables is the part of the environment that is the same for each
// request.
func constantVariables(o *Options, server []string) []string {
	set := []string{
		"PATH=" + defaultPath,
		"REDIRECT_STATUS=200", // php-cgi takes its absence for a call without a server
	}
	put := func(v string) {
		name, _, _ := strings.Cut(v, "=")
		set = slices.DeleteFunc(set, func(s string) bool { return strings.HasPrefix(s, name+"=") })
		set = append(set, v)
	}
	if o.Landlock && len(o.Writable) > 0 {
		put("TMPDIR=" + o.Writable[0])
	}
	for _, v := range server {
		name, _, _ := strings.Cut(v, "=")
		if name == "LANG" || name == "TZ" || name == "SystemRoot" || strings.HasPrefix(name, "LC_") {
			put(v)
		}
	}
	for _, v := range o.Env {
		if strings.Contains(v, "=") {
			put(v)
			continue
		}
		for _, of := range server {
			if strings.HasPrefix(of, v+"=") {
				put(of)
			}
		}
	}
	return set
}

var variables = sync.Pool{New: func() any { return new([]gateway.Var) }}

// environment returns what a program is told of a request.
func (h *Handler) environment(r *http.Request, p *program, unique string, length int64) []string {
	vars := variables.Get().(*[]gateway.Var)
	defer variables.Put(vars)
	*vars = gateway.AppendVars((*vars)[:0], r,
		&gateway.Script{Root: h.o.DocumentRoot, Name: p.name, File: p.file, PathInfo: p.info},
		&gateway.VarOptions{Software: h.o.Software, PassAuthorization: h.o.PassAuthorization, Trusted: h.o.Trusted, Length: length})
	env := make([]string, 0, 1+len(h.env)+len(*vars))
	env = append(append(env, "UNIQUE_ID="+unique), h.env...) // first, where it is found fastest when a program has to be
	size := 0
	for _, v := range *vars {
		size += len(v.Name) + 1 + len(v.Value)
	}
	var all strings.Builder // one piece of memory for all of them
	all.Grow(size)
	for _, v := range *vars {
		from := all.Len()
		all.WriteString(v.Name)
		all.WriteByte('=')
		all.WriteString(v.Value)
		env = append(env, all.String()[from:])
	}
	clear(*vars)
	return env
}
