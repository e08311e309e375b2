package filterlist

import (
	"fmt"
	"strings"
	"testing"
)

func TestHide(t *testing.T) {
	const none = hide
	for _, tt := range []struct {
		list, page        string
		generic, specific string
	}{
		{"##.ad", "https://news.example/", ".ad" + none, ""},
		{"##.ad", "news.example", ".ad" + none, ""},
		{"*##.ad", "news.example", ".ad" + none, ""},
		{"##.ad\n###b\n##.ad", "news.example", ".ad,#b" + none, ""},
		{"##.ad\n##p:has(> .x)\n##.c", "news.example", ".ad,.c" + none + "p:has(> .x)" + none, ""},
		{"news.example##.ad", "https://www.news.example:8080/x", "", ".ad" + none},
		{"news.example##.ad", "https://enews.example/", "", ""},
		{"news.example,other.example##.ad", "other.example", "", ".ad" + none},
		{"news.example,~www.news.example##.ad", "www.news.example", "", ""},
		{"news.example,~www.news.example##.ad", "x.news.example", "", ".ad" + none},
		{"~news.example##.ad", "news.example", "", ""},
		{"~news.example##.ad", "other.example", ".ad" + none, ""},
		{"news.*##.ad", "https://news.co.uk/", "", ".ad" + none},
		{"news.*##.ad", "https://news.evil.com/", "", ""},
		{"news.*,~news.com##.ad", "news.com", "", ""},
		{"пример.example##.ad", "xn--e1afmkfd.example", "", ".ad" + none},
		{"news.example#?#div:has(> .ad)", "news.example", "", "div:has(> .ad)" + none},
		{"news.example#$#.ad { display: none !important; }", "news.example", "", ".ad" + none},
		{"#$#.ad {display:none!important}", "news.example", ".ad" + none, ""},
		{"##.ad\nnews.example#@$#.ad { display: none !important; }", "news.example", "", ""},
		{"##.ad\nnews.example#@?#.ad", "news.example", "", ""},
		// Exceptions.
		{"##.ad\n##.b\nnews.example#@#.ad", "news.example", ".b" + none, ""},
		{"##.ad\n##.b\nnews.example#@#.ad", "other.example", ".ad,.b" + none, ""},
		{"##.ad\n#@#.ad", "news.example", "", ""},
		{"news.example##.ad\n#@#.ad", "news.example", "", ""},
		{"news.example##.ad\nwww.news.example#@#.ad", "www.news.example", "", ""},
		{"news.example##.ad\nwww.news.example#@#.ad", "news.example", "", ".ad" + none},
		{"##.ad\nnews.example##.b\n@@||news.example^$generichide", "https://news.example/", "", ".b" + none},
		{"##.ad\nnews.example##.b\n@@||news.example^$ghide", "news.example", "", ".b" + none},
		{"##.ad\nnews.example##.b\n@@||news.example^$specifichide", "news.example", ".ad" + none, ""},
		{"##.ad\nnews.example##.b\n@@||news.example^$elemhide", "news.example", "", ""},
		{"##.ad\nnews.example##.b\n@@||news.example/x/$ehide", "https://news.example/x/", "", ""},
		{"##.ad\nnews.example##.b\n@@||news.example/x/$ehide", "https://news.example/y/", ".ad" + none, ".b" + none},
		{"##.ad\nnews.example##.b\n@@||news.example^$document", "news.example", "", ""},
		{"##.ad\n@@||news.example^$generichide,badfilter\n@@||news.example^$generichide", "news.example", ".ad" + none, ""},
		{"news.example$badfilter\n##.ad", "news.example", ".ad" + none, ""},
	} {
		h := Compile([]Source{{"test", tt.list}}).Hide(tt.page)
		if h.Generic != tt.generic || h.Specific != tt.specific {
			t.Errorf("%q on %s: generic %q, specific %q, want %q and %q", tt.list, tt.page, h.Generic, h.Specific, tt.generic, tt.specific)
		}
	}
}

// TestHideWhy: what is hidden, and what is not, has its rules.
func TestHideWhy(t *testing.T) {
	set := Compile([]Source{{"test", "##.a\n##.b\nnews.example##.c\nnews.example##.d\nnews.example#@#.b\nwww.news.example#@#.d\n@@||off.example^$generichide"}})
	h := set.Hide("www.news.example")
	if fmt.Sprint(h.Rules) != "[{test 3 news.example##.c}]" || fmt.Sprint(h.Unhidden) != "[{test 6 www.news.example#@#.d} {test 5 news.example#@#.b}]" || h.Common {
		t.Errorf("%+v", h)
	}
	twice := Compile([]Source{{"test", "##.a\nnews.example##.a\nnews.example##.b\nnews.example#@#.a"}}).Hide("news.example")
	if fmt.Sprint(twice.Unhidden) != "[{test 4 news.example#@#.a}]" || twice.Style() != ".b"+hide {
		t.Errorf("%+v", twice)
	}
	if h := set.Hide("https://off.example/"); h.NoGeneric.Line != 7 || h.NoSpecific.Line != 0 || h.Generic != "" {
		t.Errorf("%+v", h)
	}
	if h := set.Hide("other.example"); !h.Common || h.Generic != set.GenericStyle() || h.Style() != ".a,.b"+hide {
		t.Errorf("%+v", h)
	}
}

// TestHideBounds: style sheets end where their limits are, between rules.
func TestHideBounds(t *testing.T) {
	var b strings.Builder
	for i := range 30000 {
		fmt.Fprintf(&b, "##.%s%d\nnews.example##.%s%d\n", strings.Repeat("a", 40), i, strings.Repeat("b", 40), i)
	}
	h := Compile([]Source{{"test", b.String()}}).Hide("news.example")
	for _, s := range []struct {
		name  string
		style string
		limit int
	}{{"generic", h.Generic, maxGenericStyle}, {"specific", h.Specific, maxSpecificStyle}} {
		if len(s.style) > s.limit || len(s.style) < s.limit-200 || !strings.HasSuffix(s.style, hide) {
			t.Errorf("%s: %d bytes, limit %d, ends %q", s.name, len(s.style), s.limit, s.style[max(0, len(s.style)-30):])
		}
	}
	if h.LeftOut == 0 {
		t.Errorf("nothing was left out")
	}
}

func TestSelectors(t *testing.T) {
	for _, s := range []string{
		".ad", "#ad", "div", "div.ad#x", "*", "div > .ad", "div>.ad", "a + b ~ c d", `a[href]`, `a[href^="http://x"]`, `a[href*='x;{}@']`, "[class=ad]", "-x", ".ad-1_x",
	} {
		if simple, reason := checkSelector(s); !simple || reason != "" {
			t.Errorf("%s: simple %v, %q", s, simple, reason)
		}
	}
	for _, s := range []string{
		":has(> a)", "div:not(.x)", "a, b", "div > > a", "> a", "a >", ".1", "--x", "a[b=1]", `a[b="x" i]`, ".a\\:b", "a::before", "a|b", "..a", "a#", "a*", "[a=b",
	} {
		if simple, _ := checkSelector(s); simple {
			t.Errorf("%s is taken for simple", s)
		}
	}
	for _, s := range []string{
		"a:not(.b)", "a:NOT(.b)", "a:nth-child(2n + 1 of :is(.b, .c))", "::slotted(a)", ":-webkit-any(a,b)", `a:not([href*="url("])`, `.a\(b\)`,
	} {
		if _, reason := checkSelector(s); reason != "" {
			t.Errorf("%s: %s", s, reason)
		}
	}
	for _, s := range []string{
		"", "a{}", "a}", "a;b", "a<b", "</style>", "@import x", "a/*", "a\nb", "(a", "a)", "[a", "a]", "(a]", `a"b`, `a[b='c"]`, "a\\", ":has-text(a)", "a:style(b)",
		":upward(1)", ":xpath(//a)", ":matches-css(a: b)", "a:-abp-has(b)", "a:remove()", strings.Repeat(":not(", 20) + strings.Repeat(")", 20), `a[b="</style>"]`,
		// Browsers read neither quotes nor brackets behind url.
		`url(a"){}*{background:url(//evil.example/)}*:not(")`, `a:not(URL(x"){}b{color:red}")`, `:url(a"){}b{color:red}")`, `u\72l(a"){}b{color:red}")`, `:u\72 l(a"){}")`,
		`a:is(url(a'){}b{color:red}'))`, "a(b)", "a: (b)",
	} {
		if _, reason := checkSelector(s); reason == "" {
			t.Errorf("%q passes", s)
		}
	}
}
