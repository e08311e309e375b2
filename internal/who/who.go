// Package who says who sent a request, as far as a guard has found that out, in
// the request's context: handlers, programs and the cache look there.
//
//	r = who.On(r, &who.Who{Name: "ann", Method: "Basic"})
//	if w := who.Of(r); w != nil { … w.Name … }
//
// Origins are told of it in the field Remote-User, which nobody but a guard may
// write: [TakeOff] takes off what a client sends of that kind.
// It decides nothing, and knows neither passwords nor guards.
package who

import (
	"context"
	"crypto/x509"
	"maps"
	"net/http"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"freshet/internal/field"
	"freshet/internal/wire"
)

// Who is somebody, and how that was proved. It is not changed once it is in a
// context.
type Who struct {
	// Name is what others call them: REMOTE_USER (RFC 3875 §4.1.11), and
	// Remote-User. It is valid; see [Valid].
	Name string

	// Method is AUTH_TYPE (RFC 3875 §4.1.1): the scheme of the credentials, such as
	// Basic or Bearer, or another word for what proved the name.
	Method string

	// Certificate is the client's, when that is what proved it; else nil.
	Certificate *x509.Certificate
}

// Field is the field that tells origins of a name.
const Field = "Remote-User"

// MaxName is how many octets a name has at most.
const MaxName = 255

type key struct{}

// With returns a context that says who it is.
func With(ctx context.Context, w *Who) context.Context { return context.WithValue(ctx, key{}, w) }

// From returns who it is by a context; nil for nobody.
func From(ctx context.Context) *Who {
	w, _ := ctx.Value(key{}).(*Who)
	return w
}

// Of returns who sent a request; nil for nobody.
func Of(r *http.Request) *Who { return From(r.Context()) }

// On returns the request as one that w sent, without the fields without, which
// proved it. The fields of r stay as they are.
func On(r *http.Request, w *Who, without ...string) *http.Request {
	on := r.WithContext(With(r.Context(), w))
	on.Header = maps.Clone(r.Header)
	if on.Header == nil {
		on.Header = http.Header{}
	}
	for _, name := range without {
		delete(on.Header, name)
	}
	on.Header[Field] = []string{w.Name}
	return on
}

// Valid reports whether a name may go into a field and a variable: UTF-8 of 1 to
// 255 octets, without control characters, and without a space at either end.
func Valid(name string) bool {
	return name != "" && len(name) <= MaxName && utf8.ValidString(name) && strings.TrimSpace(name) == name &&
		!strings.ContainsFunc(name, unicode.IsControl)
}

// TakeOff removes from the fields and trailers of a request what claims to say
// who somebody is.
func TakeOff(r *http.Request) { TakeOffNamed(r, wire.NamesClient) }

// TakeOffNamed removes from the fields and trailers of a request those that are
// somebody else's to write. Nor can Connection name such a field: who takes off what
// it names would take off ours.
func TakeOffNamed(r *http.Request, named func(field string) bool) {
	TakeOffFields(r.Header, named)
	TakeOffFields(r.Trailer, named)
	lines, own := r.Header["Connection"], false
	for i, line := range lines {
		for name := range field.Elements([]string{line}) {
			if !named(name) {
				continue
			}
			if !own { // others may have them, too
				lines, own = slices.Clone(lines), true
				r.Header["Connection"] = lines
			}
			lines[i] = unnamed(line, named)
			break
		}
	}
}

// TakeOffFields is TakeOffNamed of fields, or trailers, alone.
func TakeOffFields(fields http.Header, named func(field string) bool) {
	for name := range fields {
		if named(name) {
			delete(fields, name)
		}
	}
}

func unnamed(line string, named func(string) bool) string {
	var kept []string
	for name := range field.Elements([]string{line}) {
		if !named(name) {
			kept = append(kept, name)
		}
	}
	return strings.Join(kept, ", ")
}

// Claimed reports whether a head has a field that claims to say who somebody is.
func Claimed(q *wire.Head) bool {
	for i := range q.Fields {
		if f := &q.Fields[i]; f.Known == wire.None && wire.NamesClient(f.Name) {
			return true
		}
	}
	return false
}
