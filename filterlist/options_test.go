package filterlist

import (
	"strings"
	"testing"
)

// TestOptions has, for each option, requests that a rule is for and requests
// that it is not for.
func TestOptions(t *testing.T) {
	const (
		ad   = "https://ads.example/x.js"
		page = "https://www.news.example/a"
		own  = "https://sub.ads.example/"
	)
	for _, tt := range []struct {
		list string
		q    ask
		want Action
	}{
		{"||ads.example^$script", ask{ad, Script, page}, Block},
		{"||ads.example^$script", ask{ad, Image, page}, Pass},
		{"||ads.example^$~script", ask{ad, Script, page}, Pass},
		{"||ads.example^$~script", ask{ad, Image, page}, Block},
		{"||ads.example^$~script", ask{ad, Document, page}, Pass},
		{"||ads.example^$script,css", ask{ad, Stylesheet, page}, Block},
		{"||ads.example^$xhr", ask{ad, XHR, page}, Block},
		{"||ads.example^$frame", ask{ad, Subdocument, page}, Block},
		{"||ads.example^$object-subrequest", ask{ad, Object, page}, Block},
		{"||ads.example^$font,media,image,websocket,ping,other", ask{ad, Font, page}, Block},
		{"||ads.example^$font,media,image,websocket,ping,other", ask{ad, Script, page}, Pass},
		{"||ads.example^$other", ask{ad, Other, page}, Block},
		{"||ads.example^$other", ask{ad, Type(200), page}, Block},
		// Documents.
		{"||ads.example^", ask{ad, Document, ""}, Pass},
		{"||ads.example^$document", ask{ad, Document, ""}, Block},
		{"||ads.example^$doc", ask{ad, Subdocument, page}, Pass},
		{"||ads.example^$all", ask{ad, Document, ""}, Block},
		{"||ads.example^$all", ask{ad, Script, page}, Block},
		{"0.0.0.0 ads.example", ask{ad, Document, ""}, Block},
		{"ads.example", ask{ad, Document, ""}, Block},
		{"||ads.example^$document,third-party", ask{ad, Document, page}, Pass},
		// Hosts and domains.
		{"0.0.0.0 ads.example", ask{own, Script, page}, Pass},
		{"0.0.0.0 a.example ads.example # both", ask{ad, Script, page}, Block},
		{"ads.example # this", ask{own, Script, page}, Block},
		{"*.ads.example", ask{own, Script, page}, Block},
		{"[Adblock Plus 2.0]\nads.example", ask{"https://x/?u=ads.example", Script, page}, Block},
		{"ads.example", ask{"https://x/?u=ads.example", Script, page}, Pass},
		{"127.0.0.1 localhost", ask{"http://localhost/", Script, page}, Pass},
		{"10.0.0.1 ads.example", ask{ad, Script, page}, Pass},
		{":: ads.example", ask{ad, Script, page}, Block},
		{"||ads.example^\n||ads.example^$badfilter", ask{ad, Script, page}, Pass},
		{"ads.example\n||ads.example^$badfilter", ask{ad, Script, page}, Pass},
		// Parties.
		{"||ads.example^$third-party", ask{ad, Script, page}, Block},
		{"||ads.example^$third-party", ask{ad, Script, own}, Pass},
		{"||ads.example^$third-party", ask{ad, Script, ""}, Pass},
		{"||ads.example^$3p", ask{ad, Script, page}, Block},
		{"||ads.example^$~third-party", ask{ad, Script, page}, Pass},
		{"||ads.example^$~third-party", ask{ad, Script, own}, Block},
		{"||ads.example^$1p", ask{ad, Script, own}, Block},
		{"||ads.example^$~1p", ask{ad, Script, page}, Block},
		{"||ads.example^$1p", ask{ad, Script, ""}, Pass},
		{"||ads.example^$strict3p", ask{ad, Script, own}, Block},
		{"||ads.example^$strict3p", ask{ad, Script, ad}, Pass},
		{"||ads.example^$strict1p", ask{ad, Script, own}, Pass},
		{"||ads.example^$strict1p", ask{ad, Script, ad}, Block},
		{"||github.io^$third-party", ask{"https://a.github.io/", Script, "https://b.github.io/"}, Block},
		{"||co.uk^$third-party", ask{"https://a.shop.co.uk/", Script, "b.shop.co.uk"}, Pass},
		{"||1.2.3.4^$third-party", ask{"https://1.2.3.4/", Script, "https://9.9.3.4/"}, Block},
		{"||localhost^$third-party", ask{"http://localhost/", Script, "http://localhost:8080/"}, Pass},
		// Pages.
		{"||ads.example^$domain=news.example", ask{ad, Script, page}, Block},
		{"||ads.example^$domain=news.example", ask{ad, Script, "news.example:8080"}, Block},
		{"||ads.example^$domain=ws.example", ask{ad, Script, page}, Pass},
		{"||ads.example^$domain=news.example", ask{ad, Script, ""}, Pass},
		{"||ads.example^$domain=~news.example", ask{ad, Script, page}, Pass},
		{"||ads.example^$domain=~news.example", ask{ad, Script, "other.example"}, Block},
		{"||ads.example^$domain=~news.example", ask{ad, Script, ""}, Block},
		{"||ads.example^$domain=news.example|~www.news.example", ask{ad, Script, page}, Pass},
		{"||ads.example^$domain=news.example|~www.news.example", ask{ad, Script, "news.example"}, Block},
		{"||ads.example^$domain=~news.example|www.news.example", ask{ad, Script, page}, Block},
		{"||ads.example^$domain=news.*", ask{ad, Script, "http://www.news.co.uk/"}, Block},
		{"||ads.example^$domain=news.*", ask{ad, Script, "http://news.evil.com/"}, Pass},
		{"||ads.example^$domain=news.*|~news.com", ask{ad, Script, "http://news.com/"}, Pass},
		{"||ads.example^$from=news.example", ask{ad, Script, page}, Block},
		{"||ads.example^$domain=xn--e1afmkfd.example", ask{ad, Script, "xn--e1afmkfd.example"}, Block},
		{"||ads.example^$domain=пример.example", ask{ad, Script, "xn--e1afmkfd.example"}, Block},
		{"$script,domain=news.example", ask{"https://any.example/", Script, page}, Block},
		{"*$script,domain=news.example", ask{"https://any.example/", Script, "x.example"}, Pass},
		{"||ads.example^$document,domain=ads.example", ask{ad, Document, ""}, Block},
		// The request's host.
		{"*$script,to=ads.example", ask{ad, Script, page}, Block},
		{"*$script,to=ads.example", ask{"https://x.example/", Script, page}, Pass},
		{"*$script,to=example|~ads.example", ask{ad, Script, page}, Pass},
		{"*$3p,denyallow=ads.example|b.example,domain=news.example", ask{ad, Script, page}, Pass},
		{"*$3p,denyallow=b.example,domain=news.example", ask{ad, Script, page}, Block},
		// Exceptions.
		{"||ads.example^\n@@||ads.example^", ask{ad, Script, page}, Allow},
		{"||ads.example^\n@@||ads.example^$image", ask{ad, Script, page}, Block},
		{"||ads.example^$important\n@@||ads.example^", ask{ad, Script, page}, Block},
		{"||ads.example^$important\n@@||ads.example^$important", ask{ad, Script, page}, Allow},
		{"||ads.example^\n@@||ads.example^$important", ask{ad, Script, page}, Allow},
		{"ads.example\n@@||ads.example^", ask{ad, Document, ""}, Allow},
		{"@@||ads.example^", ask{ad, Script, page}, Pass},
		{"||ads.example^\n@@||news.example^$document", ask{ad, Script, page}, Allow},
		{"||ads.example^\n@@||news.example^$document", ask{ad, Script, "news.example"}, Allow},
		{"||ads.example^\n@@||news.example^$document", ask{ad, Script, "x.example"}, Block},
		{"||ads.example^\n@@||news.example^$document", ask{ad, Script, ""}, Block},
		{"||ads.example^$important\n@@||news.example^$document", ask{ad, Script, page}, Block},
		{"||ads.example^\n@@||news.example^$urlblock", ask{ad, Script, page}, Allow},
		{"||ads.example^\n@@||news.example^$generichide", ask{ad, Script, page}, Block},
		{"||ads.example^\n@@||news.example^$genericblock", ask{ad, Script, page}, Pass},
		{"||ads.example^$domain=news.example\n@@||news.example^$genericblock", ask{ad, Script, page}, Block},
		{"||ads.example^\n*$script,domain=news.example\n@@||news.example^$genericblock", ask{ad, Script, page}, Block},
		{"0.0.0.0 ads.example\n@@||news.example^$genericblock", ask{ad, Script, page}, Block},
		// badfilter.
		{"||ads.example^$script,third-party\n||ads.example^$3p,script,badfilter", ask{ad, Script, page}, Pass},
		{"||ads.example^$script\n||ads.example^$badfilter", ask{ad, Script, page}, Block},
		{"||ads.example^\n@@||ads.example^\n@@||ads.example^$badfilter", ask{ad, Script, page}, Block},
		{"||ads.example^$badfilter", ask{ad, Script, page}, Pass},
		// Spacers, and options that say nothing here.
		{"||ads.example^$_,script,___", ask{ad, Script, page}, Block},
		{"||ads.example^$~collapse,reason=x", ask{ad, Script, page}, Block},
		{"||ads.example^$script,popup", ask{ad, Script, page}, Block},
		{"||ads.example^$~popup", ask{ad, Script, page}, Block},
		// A "$" in a pattern.
		{"/ads$/x", ask{"https://x/ads$/x", Script, page}, Block},
		{"/x\\.js$/", ask{ad, Script, page}, Block},
		{"/x\\.js$/$script", ask{ad, Script, page}, Block},
		{"/x\\.js$/$image", ask{ad, Script, page}, Pass},
		{"/x\\.(js|css)$/$domain=news.example", ask{ad, Script, page}, Block},
	} {
		if v := verdictOf(tt.list, tt.q); v.Action != tt.want {
			t.Errorf("%q: %v on %v: %v, want %v (rule %v)", tt.list, tt.q.url, tt.q.page, v.Action, tt.want, v.Rule)
		}
	}
}

func TestMethods(t *testing.T) {
	for _, tt := range []struct {
		rule, method string
		want         Action
	}{
		{"||ads.example^$method=post", "POST", Block},
		{"||ads.example^$method=post|put", "PUT", Block},
		{"||ads.example^$method=post", "GET", Pass},
		{"||ads.example^$method=post", "", Pass},
		{"||ads.example^$method=get", "", Block},
		{"||ads.example^$method=~get", "HEAD", Block},
		{"||ads.example^$method=~get", "GET", Pass},
	} {
		set := Compile([]Source{{"test", tt.rule}})
		if v := set.Match(&Request{URL: "https://ads.example/", Method: tt.method}); v.Action != tt.want {
			t.Errorf("%s: %s: %v, want %v", tt.rule, tt.method, v.Action, tt.want)
		}
	}
}

// TestUnsupported: what is not applied is counted, and matches nothing.
func TestUnsupported(t *testing.T) {
	for _, tt := range []struct{ line, reason string }{
		{"||ads.example^$popup", "$popup"},
		{"||ads.example^$webrtc,third-party", "$webrtc"},
		{"||ads.example^$replace=/a/b/", "$replace"},
		{"||ads.example^$header=x:y", "$header"},
		{"||ads.example^$cookie", "$cookie"},
		{"||ads.example^$inline-script", "$inline-script"},
		{"||ads.example^$made-up", "unknown option $made-up"},
		{"||ads.example^$script,x", "unknown option $x"},
		{"||ads.example^$~important", "$~important"},
		{"||ads.example^$domain=/a/", "$domain with a regular expression or a path"},
		{"/ads/*$domain=/a.example/", "$domain with a regular expression or a path"},
		{"||ads.example^$domain=a..b", "$domain that is no list of domains"},
		{"||ads.example^$denyallow=~a.example", "$denyallow that is no list of domains"},
		{"||ads.example^$genericblock", "an option for exceptions on a blocking rule"},
		{"@@||ads.example^$urlblock,removeparam=x", "an option for pages beside one that changes something"},
		{"||ads.example^$script,~script", "a rule for no type of request"},
		{"||ads.example^$redirect", "$redirect without a value"},
		{"||ads.example^$csp", "$csp without a value"},
		{"||ads.example^$csp=a\x01b", "$csp with a character that no field has"},
		{"||ads.example^$permissions=ä", "$permissions with a character that no field has"},
		{"||ads.example^$csp=img-src *; Report-URI https://x/", "$csp that sends reports"},
		{"||ads.example^$csp=a,permissions=b", "two options of which a rule can have one"},
		{"||ads.example^$rewrite=https://x/", "$rewrite to something else than abp-resource"},
		{"||ads.example^$method=|", "$method with an empty entry"},
		{"/(?=look)ads.example/", "a regular expression that RE2 cannot do: invalid or unsupported Perl syntax"},
		{"/(ads.example/", "a regular expression that RE2 cannot do: missing closing )"},
		{"/ads" + strings.Repeat("x", 5000) + "/", "a regular expression longer than 4096 bytes"},
		{"/(ads.example){900}x{900}/", "a regular expression that is too large"},
		{"$removeparam=/(ads.example){900}/", "$removeparam with a regular expression that is too large"},
		{"/ads.example/реклама/", "a regular expression with letters beyond ASCII, which URLs do not have"},
		{"*", "a rule that matches everything"},
		{"@@", "an empty rule"},
		{"ads example", "a pattern with a space"},
		{"||" + strings.Repeat("a", 40000), "a line longer than 32 KiB"},
		{"10.0.0.1 ads.example", "a host at an address of its own"},
		{"0.0.0.0 ads_example/x", "a word that is no host"},
		{"!#include x.txt", "!#include: the file is to be given as a list of its own"},
		{"!#if something_new\n||ads.example^\n!#else\n||ads.example^\n!#endif", "!#if with a name that is not known"},
		{"news.example##+js(x)", "a scriptlet (##+js)"},
		{"news.example#?#x:contains(y)", "extended CSS :contains"},
		{"news.example#$#x { y: z }", "style that does more than to hide (#$#)"},
		{"news.example#$#x { display: none !important; y: z }", "style that does more than to hide (#$#)"},
		{"news.example#$#x { display: none !important", "style that does more than to hide (#$#)"},
		{"news.example#$#@media (x) { y { display: none !important; } }", "style that does more than to hide (#$#)"},
		{"news.example#@%#x", "a script (#%#)"},
		{"news.example##^x", "HTML filtering (##^)"},
		{"news.example$$x", "HTML filtering ($$)"},
		{"[$path=/x]news.example##x", "a hiding rule with [$…]"},
		{"/news/##x", "a hiding rule with a regular expression for a domain"},
		{"##x:has-text(y)", "extended CSS :has-text"},
		{"##x:-abp-has(y)", "extended CSS :-abp-has"},
		{"##", "a hiding rule without a selector"},
		{"##a{}b", "a selector with a character that could end its rule"},
		{"##a[b", "a selector that is not complete"},
		{"##a[b=\"c]", "a selector that is not complete"},
		{"##a\\", "a selector that is not complete"},
		{"~a.example#@#b", "an exception from hiding for all pages but some"},
	} {
		set := Compile([]Source{{"test", tt.line}})
		l := set.Lists()[0]
		if tt.line == "##" {
			if l.Counts.Rules() != 0 {
				t.Errorf("%q: %+v", tt.line, l)
			}
			continue
		}
		if len(l.Unsupported) != 1 || l.Unsupported[0].Reason != tt.reason || l.Unsupported[0].Count != 1 || l.Counts.Rules() != 0 {
			t.Errorf("%q: %+v, want %q alone", tt.line, l, tt.reason)
			continue
		}
		if first := l.Unsupported[0].First; len(first) != 1 || first[0].Line != 1 || first[0].List != "test" {
			t.Errorf("%q: first %+v", tt.line, first)
		}
		if v := set.Match(&Request{URL: "https://ads.example/?b.example", Page: "https://news.example/", Type: Script}); v.Action != Pass {
			t.Errorf("%q: %v", tt.line, v)
		}
	}
}
