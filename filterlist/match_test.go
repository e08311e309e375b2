package filterlist

import (
	"strings"
	"testing"
)

// ask is a request in short: URL, type and page.
type ask struct {
	url  string
	typ  Type
	page string
}

// verdictOf compiles one list and matches.
func verdictOf(list string, q ask) Verdict {
	return Compile([]Source{{"test", list}}).Match(&Request{URL: q.url, Type: q.typ, Page: q.page})
}

func TestPatterns(t *testing.T) {
	for _, tt := range []struct {
		rule      string
		yes, nope []string
	}{
		// The examples of the documentation of the syntax.
		{"/banner/*/img^", []string{"http://example.com/banner/foo/img", "http://example.com/banner/foo/bar/img?param", "http://example.com/banner//img/foo"},
			[]string{"http://example.com/banner/img", "http://example.com/banner/foo/imgraph", "http://example.com/banner/foo/img.gif"}},
		{"||ads.example.com^", []string{"http://ads.example.com/foo.gif", "http://server1.ads.example.com/foo.gif", "https://ads.example.com:8000/"},
			[]string{"http://ads.example.com.ua/foo.gif", "http://example.com/redirect/http://ads.example.com/", "http://bads.example.com/"}},
		{"|http://example.com/|", []string{"http://example.com/"}, []string{"http://example.com/foo.gif", "http://example.info/redirect/http://example.com/"}},
		{"swf|", []string{"http://example.com/annoyingflash.swf"}, []string{"http://example.com/swf/index.html"}},
		{"|http://baddomain.example/", []string{"http://baddomain.example/banner.gif"}, []string{"http://gooddomain.example/analyze?http://baddomain.example"}},
		{"||example.com/banner.gif", []string{"http://example.com/banner.gif", "https://example.com/banner.gif", "http://www.example.com/banner.gif"},
			[]string{"http://badexample.com/banner.gif", "http://gooddomain.example/analyze?http://example.com/banner.gif"}},
		{"http://example.com^", []string{"http://example.com/", "http://example.com:8000/"}, []string{"http://example.com.ar/"}},
		{"^example.com^", []string{"http://example.com:8000/foo.bar?a=12&b=%D1%82"}, nil},
		{"^%D1%82%D0%B5%D1%81%D1%82^", []string{"http://example.com:8000/foo.bar?a=12&b=%D1%82%D0%B5%D1%81%D1%82"}, nil},
		{"^foo.bar^", []string{"http://example.com:8000/foo.bar?a=12&b=%D1%82%D0%B5"}, []string{"http://example.com:8000/xfoo.bar?a"}},
		{"/banner\\d+/", []string{"http://example.com/banner123", "http://example.com/banner321"}, []string{"http://example.com/banners"}},
		// Anchors, asterisks, the end.
		{"||example.com", []string{"http://example.community/", "https://a.example.com/"}, []string{"http://x/?example.com", "https://anexample.com/"}},
		{"||example.com/*/ad", []string{"http://example.com/a/ad", "http://example.com/a/b/ads"}, []string{"http://example.com/ad"}},
		{"||*.example.com/x", []string{"http://a.example.com/x"}, []string{"http://example.com/x"}},
		{"*ads*", []string{"http://x/loads"}, []string{"http://x/"}},
		{"|https://*.js|", []string{"https://a/b.js"}, []string{"https://a/b.js?", "http://a/b.js"}},
		{"/end^|", []string{"http://x/end", "http://x/end?", "http://x/end/end"}, []string{"http://x/ending", "http://x/end?a"}},
		{"a^^", []string{"http://x/a", "http://x/a?", "http://x/a??"}, []string{"http://x/ab"}},
		{"ADS", []string{"http://x/ads", "http://x/AdS"}, nil},
		{"ADS$match-case", []string{"http://x/ADS"}, []string{"http://x/ads"}},
		{"/ad[sx]{2}/$match-case", []string{"http://x/adsx"}, []string{"http://x/ADSX"}},
		{"/ad[sx]{2}/", []string{"http://x/adsx", "http://x/ADSX"}, []string{"http://x/ad"}},
		{"/(ads|track)er\\.js$/", []string{"http://x/tracker.js"}, []string{"http://x/tracker.js?"}},
		{"||xn--e1afmkfd.example^", []string{"http://xn--e1afmkfd.example/"}, nil},
		{"||пример.example^", []string{"http://xn--e1afmkfd.example/"}, nil},
		{"/реклама/x", []string{"http://x/%D1%80%D0%B5%D0%BA%D0%BB%D0%B0%D0%BC%D0%B0/x"}, nil},
		{"||[::1]^", []string{"http://[::1]:80/"}, []string{"http://[::2]/"}},
		{"||1.2.3.4^", []string{"http://1.2.3.4/"}, []string{"http://1.2.3.40/"}},
		{"://x.example/", []string{"https://x.example/"}, []string{"https://y.example/"}},
		{"$script,x", nil, []string{"https://y.example/"}},
		// What a host may be written like.
		{"||ads.example^", []string{"http://user:pw@ads.example/", "http://ads.example./", "HTTP://ADS.EXAMPLE/", "http://ads.example", "ads.example:443"},
			[]string{"http://ads.example@good.example/", "http://good.example/#ads.example", "http://good.example\\@ads.example/"}},
	} {
		set := Compile([]Source{{"test", tt.rule}})
		for _, list := range []struct {
			urls []string
			want Action
		}{{tt.yes, Block}, {tt.nope, Pass}} {
			for _, url := range list.urls {
				if v := set.Match(&Request{URL: url, Page: "https://page.example/"}); v.Action != list.want {
					t.Errorf("%s: %s: %v, want %v (%+v)", tt.rule, url, v.Action, list.want, set.Lists())
				}
			}
		}
	}
}

// A list that has expressions which take long makes no request wait for long.
func TestRegexpsAreBounded(t *testing.T) {
	var b strings.Builder
	for range 150 {
		b.WriteString("/([a-y]*[b-z]){1,140}[^a-z]*[^a-z]$/\n*$removeparam=/([a-y]*[b-z]){1,140}[^a-z]*[^a-z]$/\n")
	}
	set := Compile([]Source{{"slow", "/^https:.*[0-9]x/\n"}, {"hostile", b.String()}})
	if n := set.Lists()[1].Counts.Block; n < 50 {
		t.Fatalf("%d expressions", n)
	}
	for _, url := range []string{"https://a.example/?" + strings.Repeat("abcdefgh", 1000), "https://a.example/" + strings.Repeat("abcdefgh", 8000)} {
		c := query{set: set, raw: url}
		tried := 0
		for i := range set.extras {
			if set.extras[i].re != nil && c.affords(&set.extras[i]) {
				tried++
			}
		}
		if tried > 2+maxWork/len(url)/1000 {
			t.Errorf("%d expressions are tried on %d bytes", tried, len(url))
		}
		set.Match(&Request{URL: url, Type: XHR})
		set.Match(&Request{URL: url, Type: Document})
	}
	if v := set.Match(&Request{URL: "https://a.example/" + strings.Repeat("abc0x", 1000), Type: Script}); v.Action != Block {
		t.Errorf("what is cheap does not match: %v", v)
	}
}
