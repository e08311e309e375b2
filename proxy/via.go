package proxy

import (
	"net/http"
	"strconv"
	"strings"

	"freshet/internal/field"
)

// Loops reports whether the request has passed this proxy before: by Via
// (RFC 9110 §7.6.3), or by CDN-Loop, which nobody may take out (RFC 8586 §2).
// ServeHTTP refuses it. What lets requests wait for one another in front of the
// proxy, such as a cache, asks first, so that none waits for itself.
func (h *Handler) Loops(r *http.Request) bool {
	for elem := range field.Elements(r.Header["Via"]) {
		if _, by, ok := strings.Cut(elem, " "); ok {
			by, _, _ = strings.Cut(strings.TrimLeft(by, " \t"), " ")
			if field.EqualFold(by, h.o.Name) {
				return true
			}
		}
	}
	for elem := range field.Elements(r.Header["Cdn-Loop"]) {
		id, _, _ := strings.Cut(elem, ";")
		if field.EqualFold(strings.TrimRight(id, " \t"), h.o.Name) {
			return true
		}
	}
	return false
}

// addElement adds an element to the end of a list field. values is the element
// alone, and may be shared: nobody writes to values of fields.
func addElement(h http.Header, name string, values []string) {
	if had := h[name]; len(had) > 0 {
		values = []string{strings.Join(had, ", ") + ", " + values[0]}
	}
	h[name] = values
}

// via is the element that this proxy adds to Via for a message that came in
// the version, as values of a field.
func (h *Handler) via(major, minor int) []string {
	switch {
	case major == 1 && minor == 1:
		return h.via11
	case major == 1:
		return []string{"1.0 " + h.o.Name}
	}
	return []string{strconv.Itoa(major) + " " + h.o.Name}
}

// maxForwards reads the field that bounds how far TRACE and OPTIONS travel
// (RFC 9110 §7.6.2). It is not ok for other methods and without a number.
func maxForwards(r *http.Request) (n uint64, ok bool) {
	if r.Method != http.MethodTrace && r.Method != http.MethodOptions {
		return 0, false
	}
	v := r.Header["Max-Forwards"]
	if len(v) != 1 {
		return 0, false
	}
	n, err := strconv.ParseUint(v[0], 10, 32)
	return n, err == nil
}
