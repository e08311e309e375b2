package fastcgi

import (
	"io"
	"slices"
	"strings"

	"freshet/httpd"
	"freshet/internal/gateway"
	"freshet/internal/rule"
)

// prepare makes the request. A body that is short is read first: a backend has
// few workers, and none of them should wait for a client.
func (x *exchange) prepare() *gateway.Fault {
	r, o := x.r, &x.h.o
	if x.role == roleResponder && r.ContentLength < 0 {
		s, f := gateway.Spool(r.Body, gateway.SpoolOptions{Memory: o.SpoolMemory, Most: o.MaxSpool, Dir: o.SpoolDir, Files: &x.h.spools})
		if f != nil {
			return bodyFault(f)
		}
		x.spooled = s
	}
	q := requests.Get().(*request)
	x.buf = q
	q.vars = x.appendVars(q.vars[:0])
	b := appendBegin(q.octets[:0], x.role, o.Idle > 0)
	b = appendParams(b, q.vars)
	b, f := x.appendBody(b)
	q.octets = b
	return f
}

// bodyFault says why a body could not be kept aside.
func bodyFault(f *gateway.Fault) *gateway.Fault {
	if f.Rule == rule.ScriptClientGone {
		return &gateway.Fault{Rule: httpd.BodyRule(f.Err), Err: f.Err}
	}
	return f
}

// appendBody appends STDIN with all of the body, or nothing when that is sent
// later.
func (x *exchange) appendBody(b []byte) ([]byte, *gateway.Fault) {
	n, from := x.r.ContentLength, io.Reader(x.r.Body)
	most := int64(early)
	if o := x.h.o.SpoolMemory; o > 0 {
		most = min(most, o)
	}
	switch {
	case x.role != roleResponder: // an authorizer gets no body (§6.3)
		n = 0
	case x.spooled != nil && x.spooled.Size > early:
		return b, nil
	case x.spooled != nil:
		n, from = x.spooled.Size, x.spooled.Reader()
	case n > most:
		x.stream = true
		return b, nil
	}
	for n > 0 {
		part := int(min(n, fullContent))
		b = slices.Grow(appendHeader(b, typeStdin, part, 0), part)
		at := len(b)
		b = b[:at+part]
		if _, err := io.ReadFull(from, b[at:]); err != nil {
			if err == io.EOF {
				err = io.ErrUnexpectedEOF
			}
			return b, &gateway.Fault{Rule: httpd.BodyRule(err), Err: err}
		}
		n -= int64(part)
	}
	return appendHeader(b, typeStdin, 0, 0), nil
}

// appendVars appends the parameters.
func (x *exchange) appendVars(vars []gateway.Var) []gateway.Var {
	o := &x.h.o
	opt := gateway.VarOptions{
		Software:          o.Software,
		PassAuthorization: !o.HideAuthorization,
		Trusted:           o.Trusted,
		Unique:            x.unique,
		Length:            -1,
	}
	if x.spooled != nil {
		opt.Length = x.spooled.Size
	}
	vars = gateway.AppendVars(vars, x.r, &x.script, &opt)
	// php-cgi runs nothing without it (cgi.force_redirect).
	vars = append(vars, gateway.Var{Name: "REDIRECT_STATUS", Value: "200"})
	if x.role == roleAuthorizer {
		vars = slices.DeleteFunc(vars, notForAuthorizer)
	}
	vars = appendGranted(vars, x.r)
	for _, e := range o.Env {
		name, value, _ := strings.Cut(e, "=")
		if i := indexOf(vars, name); i >= 0 {
			vars[i].Value = value
			continue
		}
		vars = append(vars, gateway.Var{Name: name, Value: value})
	}
	return vars
}

func indexOf(vars []gateway.Var, name string) int {
	return slices.IndexFunc(vars, func(v gateway.Var) bool { return v.Name == name })
}

// notForAuthorizer are the parameters that §6.3 keeps from authorizers.
func notForAuthorizer(v gateway.Var) bool {
	switch v.Name {
	case "CONTENT_LENGTH", "PATH_INFO", "PATH_TRANSLATED", "SCRIPT_NAME":
		return true
	}
	return false
}
