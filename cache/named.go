package cache

import (
	"maps"
	"net/http"
	"slices"

	"freshet/httpd"
	"freshet/internal/field"
	"freshet/internal/wire"
)

// withoutNamed returns the request without the fields that Connection names, as
// the origin will see it (RFC 9110 §7.6.1). An answer that was made without
// them must not be kept as one for a request with them: whoever named
// Accept-Language would choose the language of others. Fields that never go
// further stay, for the proxy behind.
func withoutNamed(r *http.Request) *http.Request {
	var bare *http.Request
	for name := range field.Elements(r.Header["Connection"]) {
		name = wire.CanonicalName(name)
		if _, has := r.Header[name]; !has || slices.Contains(wire.HopByHop, name) {
			continue
		}
		if bare == nil {
			copied := *r
			copied.Header = maps.Clone(r.Header)
			bare = &copied
		}
		delete(bare.Header, name)
	}
	if bare == nil {
		return r
	}
	return bare
}

var connection = wire.Set(wire.Connection)

// mayName reports whether Connection may name fields: whether it says other than
// what nearly all clients say, if anything. Then the request is one for the
// other path.
func mayName(head *httpd.Head) bool {
	if !head.HasAny(connection) {
		return false
	}
	for i := range head.Fields {
		f := &head.Fields[i]
		if f.Known == wire.Connection && !field.EqualFold(f.Value, "keep-alive") && !field.EqualFold(f.Value, "close") {
			return true
		}
	}
	return false
}
