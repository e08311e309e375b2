package guard

import (
	"io"
	"maps"
	"net/http"
	"slices"

	"freshet/internal/who"
	"freshet/internal/wire"
)

// passed returns the request that goes on: with the fields of the answer that are
// asked for, and not with the client's of that name.
func (g *ForwardAuth) passed(r *http.Request, j *reply) *http.Request {
	var on *http.Request
	switch by := who.Of(r); {
	case j.name != "":
		on = who.On(r, &who.Who{Name: j.name, Method: "Forward"})
	case by == nil:
		// Somebody it is, or the service would not have been asked: the cache shares
		// nothing of what he gets.
		on = r.WithContext(who.With(r.Context(), &who.Who{Method: "Forward"}))
		on.Header = maps.Clone(r.Header)
	default:
		on = r.WithContext(r.Context())
		on.Header = maps.Clone(r.Header)
	}
	who.TakeOffNamed(on, g.ours)
	if by := who.Of(on); by.Name != "" {
		on.Header[who.Field] = []string{by.Name}
	}
	for _, name := range g.o.Fields {
		if values := j.answer.Header[name]; name != who.Field && len(values) > 0 {
			on.Header[name] = slices.Clone(values)
		}
	}
	if r.Trailer != nil {
		on.Body = &ownTrailers{r.Body, func() { who.TakeOffFields(r.Trailer, g.ours) }}
	}
	return on
}

// ours reports whether a field is the service's to write, in any spelling.
func (g *ForwardAuth) ours(name string) bool {
	return slices.ContainsFunc(g.fields, func(listed string) bool { return wire.LikeName(name, listed) })
}

// ownTrailers is a body at whose end, when the trailers have come, some are taken
// off.
type ownTrailers struct {
	io.ReadCloser
	takeOff func()
}

func (b *ownTrailers) Read(p []byte) (int, error) {
	n, err := b.ReadCloser.Read(p)
	if err == io.EOF {
		b.takeOff()
	}
	return n, err
}
