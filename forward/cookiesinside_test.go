package forward_test

import (
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"strings"
	"testing"

	"freshet/forward"
)

// Inside of inspected tunnels, where browsers say more of their requests, cookies
// are decided on like anywhere, over HTTP/1.1 and HTTP/2.
func TestCookiesInside(t *testing.T) {
	for _, h2 := range []bool{false, true} {
		var got http.Header
		w := newWorld(t, func(o *forward.Options) { o.Policy.CookieRules = []string{"_ga@*=refuse"} })
		site := func(sets ...string) http.Handler {
			return http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
				got = r.Header.Clone()
				rw.Header()["Set-Cookie"] = sets
				io.WriteString(rw, "x")
			})
		}
		w.site("www.shop.test", site("sid=1; Secure; HttpOnly; Path=/", "_ga=2", "c=3; Path=/; Max-Age=99"))
		w.site("ads.test", site("track=1; SameSite=None; Secure", "__Host-p=1; Secure; Path=/; SameSite=None; Partitioned"))
		client := w.client(h2)
		jar, err := cookiejar.New(nil)
		if err != nil {
			t.Fatal(err)
		}
		client.Jar = jar
		ask := func(address, fields string) string {
			r, _ := http.NewRequest("GET", address, nil)
			for line := range strings.SplitSeq(fields, "|") {
				name, value, _ := strings.Cut(line, ": ")
				r.Header.Set(name, value)
			}
			resp, err := client.Do(r)
			if err != nil {
				t.Fatal(err)
			}
			resp.Body.Close()
			var names []string
			u, _ := url.Parse(address)
			for _, c := range jar.Cookies(u) {
				names = append(names, c.Name)
			}
			return strings.Join(got["Cookie"], "|") + " > " + strings.Join(names, ",")
		}
		const page = "Sec-Fetch-Mode: navigate|Sec-Fetch-Dest: document|Sec-Fetch-Site: none"
		const image = "Sec-Fetch-Mode: no-cors|Sec-Fetch-Dest: image|Sec-Fetch-Site: cross-site|Referer: https://www.shop.test/secret?x"
		for i, step := range []struct{ address, fields, want string }{
			{"https://www.shop.test/", page, " > sid,c"},
			{"https://www.shop.test/", page, "sid=1; c=3 > sid,c"},
			{"https://ads.test/", image, " > "},
			{"https://ads.test/", page, " > track,__Host-p"},
			{"https://ads.test/", image, " > track,__Host-p"},
		} {
			if out := ask(step.address, step.fields); out != step.want {
				t.Errorf("h2 %v, %d: %q, want %q", h2, i, out, step.want)
			}
		}
		if got.Get("Referer") != "https://www.shop.test/" || got.Get("Sec-GPC") != "1" {
			t.Errorf("fields %v", got)
		}
	}
}
