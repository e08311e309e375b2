package guard

import (
	"net/http"

	"freshet/httpd"
	"freshet/internal/who"
)

// Unclaimed returns handlers of both kinds that see no field in which a client
// says who it is; hot may be nil. All that a server has stands behind them,
// whether there are guards or not: an origin believes such a field, for it is
// ours to write.
func Unclaimed(next http.Handler, hot httpd.HotHandler) (http.Handler, httpd.HotHandler) {
	handler := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		who.TakeOff(r)
		next.ServeHTTP(w, r)
	})
	if hot == nil {
		return handler, nil
	}
	return handler, unclaimed{hot}
}

type unclaimed struct{ next httpd.HotHandler }

// ServeHot implements httpd.HotHandler. What is stored may be selected by such a
// field, so that a request with one goes the other way.
func (u unclaimed) ServeHot(q *httpd.Head, a *httpd.Answer) bool {
	return !who.Claimed(q) && u.next.ServeHot(q, a)
}
