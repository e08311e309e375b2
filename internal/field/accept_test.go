package field

import "testing"

func TestBestType(t *testing.T) {
	const (
		html  = "text/html"
		plain = "text/plain"
		json  = "application/json"
	)
	tests := []struct {
		accept string
		offers []string
		want   int
	}{
		{"", []string{html, json}, 0},
		{" , ", []string{html, json}, 0},
		{"*/*", []string{html, json}, 0},
		{html, []string{json, html}, 1},
		{"TEXT/HTML", []string{json, html}, 1},
		{html, []string{json, plain}, -1},
		{"text/*", []string{json, plain}, 1},
		{"image/*", []string{json, plain}, -1},
		{"text/html;q=0.5, application/json", []string{html, json}, 1},
		{"text/html, application/json", []string{json, html}, 0}, // equal: the server's order
		{"text/html;q=0.5, */*", []string{html, json}, 1},
		{"text/html, */*;q=0.8", []string{json, html}, 1},
		{"text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,image/webp,*/*;q=0.8", []string{plain, html}, 1},
		{"application/json, */*;q=0.1", []string{html, json}, 1},
		{"text/html;q=0, */*", []string{html}, -1},
		{"text/html;q=0, */*", []string{html, plain}, 1},
		{"*/*;q=0", []string{html}, -1},
		{"text/*;q=0.3, text/plain;q=0.2, */*;q=0.1", []string{plain, json, html}, 2},
		{"text/plain, text/plain;q=0.5, text/html;q=0.7", []string{plain, html}, 1}, // named twice: the lower
		{"text/plain;q=0.5, text/plain, text/html;q=0.7", []string{plain, html}, 1},
		{"text/*", []string{"textual/plain", "tex/plain", "text"}, -1},
		{"*/html, text/html", []string{json, html}, 1},
		{html, nil, -1},
		{"", nil, -1},

		// RFC 9110 §12.5.1, example of precedence.
		{"text/*, text/plain, text/plain;format=flowed, */*", []string{"text/plain;format=flowed"}, 0},
		{"text/*;q=0.3, text/plain;q=0.7, text/plain;format=flowed, text/plain;format=fixed;q=0.4, */*;q=0.5",
			[]string{json, html, "text/plain;format=fixed", plain, "text/plain; format=flowed"}, 4},
		{"text/*;q=0.3, text/plain;q=0.7, text/plain;format=flowed, text/plain;format=fixed;q=0.4, */*;q=0.5",
			[]string{json, html, "text/plain;format=fixed", plain}, 3},
		{"text/*;q=0.3, text/plain;q=0.7, text/plain;format=flowed, text/plain;format=fixed;q=0.4, */*;q=0.5",
			[]string{html, "text/plain;format=fixed", json}, 2},

		// Parameters.
		{"text/html;charset=UTF-8", []string{"text/html; charset=utf-8"}, 0},
		{`text/html;charset="utf-8"`, []string{"text/html; charset=utf-8"}, 0},
		{"text/html;charset=utf-8;level=1", []string{"text/html;level=1;charset=utf-8"}, 0},
		{"text/html;level=1", []string{html}, -1},
		{html, []string{"text/html;level=1"}, 0},
		{`text/html;a="x,y;q=0", application/json;q=0.1`, []string{json, `text/html;a="x,y;q=0"`}, 1},
		{"text/html;q=0.8;ext=1, application/json;q=0.9", []string{html, json}, 1},
		{"text/html;;q=0.1, application/json;q=0.2", []string{html, json}, 1},

		// What is malformed is ignored; when there is nothing else, it is as if absent.
		{"html", []string{json, html}, 0},
		{"*", []string{json, html}, 0},
		{"*/html", []string{json, html}, 0},
		{"text/", []string{json, html}, 0},
		{"text/html/x", []string{json, html}, 0},
		{"text /html", []string{json, html}, 0},
		{"text/html;level", []string{json, html}, 0},
		{"text/html;q=5", []string{json, html}, 0},
		{"application/json;q=high, text/html", []string{json, html}, 1},
		{"text/html, image/gif, image/jpeg, *; q=.2, */*; q=.2", []string{json, html}, 1},
	}
	for _, tt := range tests {
		if got := BestType(tt.accept, tt.offers...); got != tt.want {
			t.Errorf("BestType(%q, %q) = %d, want %d", tt.accept, tt.offers, got, tt.want)
		}
	}
}

// FuzzBestType proves that the answer is an index, and that an offer is accepted
// alone exactly if it can win among others.
func FuzzBestType(f *testing.F) {
	f.Add("text/html;q=0.5, */*;q=0.1", "text/html", "application/json")
	f.Fuzz(func(t *testing.T, accept, a, b string) {
		got := BestType(accept, a, b)
		switch {
		case got < -1 || got > 1:
			t.Errorf("BestType(%q, %q, %q) = %d", accept, a, b, got)
		case got >= 0:
			if alone := BestType(accept, []string{a, b}[got]); alone != 0 {
				t.Errorf("BestType(%q, %q, %q) = %d, but alone %d", accept, a, b, got, alone)
			}
		default:
			if BestType(accept, a) != -1 || BestType(accept, b) != -1 {
				t.Errorf("BestType(%q, %q, %q) = -1, but one is accepted alone", accept, a, b)
			}
		}
	})
}
