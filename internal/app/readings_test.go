package app

import (
	"net/http"
	"net/http/httptest"
	"testing"

	"freshet/httpd"
)

// TestEvade: where the routes of a site have different guards, a path that another
// decoder could take for one of another route is refused, on both ways.
func TestEvade(t *testing.T) {
	origin := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Cache-Control", "max-age=60")
		w.Write([]byte(r.RequestURI))
	}))
	defer origin.Close()
	routes := func(deny string) string {
		return "[[site]]\n[[site.route]]\nproxy='" + origin.URL + "'\n[[site.route]]\npath='/admin'\nproxy='" + origin.URL + "'\n" + deny +
			"[[site.route]]\npath='/admin/open'\nproxy='" + origin.URL + "'\n"
	}
	mixed, open := liveOf(t, routes("deny='all'\n")), liveOf(t, routes(""))
	for path, want := range map[string]int{
		"/x": 200, "/a%20b": 200, "/x%2Fy": 200, "/x;a=b": 200, "/x/../y": 200, "/administrator%2Fx": 200,
		"/admin": 403, "/admin/x": 403, "/%61dmin/x": 403, "//admin/x": 403,
		"/admin%2Fsecret": 400, "/admin%2fsecret": 400, "/admin%5csecret": 400, "/x/..;/admin": 400, "/x%2F..%2Fadmin": 400,
		"/admin;x": 400, "/admin%00": 400, "/admin/../x": 400, "/admin//../x": 400, "/%61dmin%2F%5C..%5Cx": 400,
		"/admin/open/x": 200, "/admin/open%2Fx": 403, "/admin/open/..%2Fx": 400, "/admin/open/..;/x": 400, "/admin%2Fopen": 200,
	} {
		for range 2 { // the second time it is stored
			w := ask(mixed, "GET", "http://a.example"+path, "")
			if w.Code != want {
				t.Errorf("%s: %d %s, want %d", path, w.Code, w.Body, want)
			}
			if want == 400 && mixed.ServeHot(&httpd.Head{Method: "GET", Target: path, Path: path, Host: "a.example"}, nil) {
				t.Errorf("%s: it was answered on the hot path", path)
			}
		}
		if w := ask(open, "GET", "http://a.example"+path, ""); w.Code != 200 {
			t.Errorf("%s: %d without guards", path, w.Code)
		}
	}
}

// TestEvadeSame: what two routes with the same guards have needs no refusal.
func TestEvadeSame(t *testing.T) {
	s := sitesOf(t, "[[site]]\ndeny='all'\n[[site.route]]\nredirect='/1'\n[[site.route]]\npath='/a'\nredirect='/2'\n").find("x")
	if s.differ || s.evades("/a%2Fb", s.find("/a%2Fb")) {
		t.Error("routes with the same guards are told apart")
	}
	s = sitesOf(t, "[[site]]\ndeny='all'\n[[site.route]]\nredirect='/1'\n[[site.route]]\npath='/a'\nredirect='/2'\ntrust='10.0.0.0/8'\n").find("x")
	if !s.evades("/a%2Fb", s.find("/a%2Fb")) {
		t.Error("routes that believe other proxies are taken for the same")
	}
}
