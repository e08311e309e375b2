package forward

import (
	"fmt"
	"strings"
	"testing"
)

// An explanation says what becomes of fields and cookies, and remembers nothing.
func TestCookiesWhy(t *testing.T) {
	h, _ := newDecider(t, Policy{CookieRules: []string{"sid@*=allow"}})
	r := request("http://ads.example/", "Accept", "image/png", "Referer", "http://page.example/x", "Cookie", "a=SECRET; sid=SECRET", "X-Client-Data", "y")
	p := h.whyPolicy(r)
	if got := r.Header.Get("Cookie"); got != "sid=SECRET" || r.Header.Get("X-Client-Data") != "" {
		t.Errorf("%v", r.Header)
	}
	r = request("http://ads.example/", "Accept", "image/png", "Referer", "http://page.example/x", "Cookie", "a=SECRET; sid=SECRET", "X-Client-Data", "y")
	e := h.Why(r)
	text := fmt.Sprintf("%+v", e.Compared)
	for _, want := range []string{
		"{What:fields Value:Referer trimmed; X-Client-Data removed Note: Rule:filter-fields Fails:false}",
		"{What:cookies Value:of a third party: the page is of page.example Note:refused by no-third-party Rule:filter-cookies Fails:false}",
		"{What:cookie a Value:refused Note:it is a third party's (no-third-party) Rule: Fails:false}",
		"{What:cookie sid Value:passed Note:a rule for it (sid@*=allow); else it would be refused Rule: Fails:false}",
	} {
		if !strings.Contains(text, want) {
			t.Errorf("no %s in\n%s", want, text)
		}
	}
	if strings.Contains(text, "SECRET") || len(h.CookieSites()) != 0 || len(p.cookies) != 2 || r.Header.Get("Cookie") != "a=SECRET; sid=SECRET" {
		t.Errorf("%s\n%+v", text, h.CookieSites())
	}
	if e := h.Why(request("http://ads.example/", "Accept", "text/html")); strings.Contains(fmt.Sprint(e.Compared), "cookie") {
		t.Errorf("nothing to say, and yet: %v", e.Compared)
	}
}
