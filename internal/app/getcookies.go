package app

import (
	"net/http"
	"strings"
)

func (g *getting) openCookies() error {
	var pairs []string
	for _, text := range g.conf.Cookies {
		if strings.Contains(text, "=") {
			pairs = append(pairs, text)
		}
	}
	g.typed = strings.Join(pairs, "; ")
	return nil
}

func (g *getting) writeCookies() error { return nil }

func (f *fetch) sendCookies(req *http.Request, h *getHop) {
	if f.typed != "" && h.trusted(f.conf) && len(req.Header["Cookie"]) == 0 {
		req.Header.Set("Cookie", f.typed)
	}
}

func (f *fetch) keepCookies(h *getHop, resp *http.Response) {}
