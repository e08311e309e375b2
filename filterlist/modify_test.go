package filterlist

import (
	"slices"
	"testing"
)

func TestRemoveParam(t *testing.T) {
	const page = "https://news.example/"
	for _, tt := range []struct {
		list   string
		q      ask
		method string
		want   string // "" for no change
	}{
		{"$removeparam=utm_source", ask{"https://a.example/?x=1&utm_source=b&y=2", Document, ""}, "", "https://a.example/?x=1&y=2"},
		{"$removeparam=utm_source", ask{"https://a.example/?utm_source=b", Document, ""}, "", "https://a.example/"},
		{"$removeparam=utm_source", ask{"https://a.example/?utm_source", Document, ""}, "HEAD", "https://a.example/"},
		{"$removeparam=utm_source", ask{"https://a.example/?utm_sources=b", Document, ""}, "", ""},
		{"$removeparam=utm_source", ask{"https://a.example/?UTM_SOURCE=b", Document, ""}, "", ""},
		{"$removeparam=utm_source", ask{"https://a.example/?utm_source=b", Document, ""}, "POST", ""},
		{"$removeparam=utm_source", ask{"https://a.example/?utm_source=b", Subdocument, page}, "", "https://a.example/"},
		{"$removeparam=utm_source", ask{"https://a.example/?utm_source=b", XHR, page}, "", "https://a.example/"},
		{"$removeparam=utm_source", ask{"https://a.example/?utm_source=b", Image, page}, "", ""},
		{"$removeparam=utm_source,image", ask{"https://a.example/?utm_source=b", Image, page}, "", "https://a.example/"},
		{"$removeparam=utm_source,~image", ask{"https://a.example/?utm_source=b", Script, page}, "", "https://a.example/"},
		{"||a.example^$removeparam=u", ask{"https://b.example/?u=b", Document, ""}, "", ""},
		{"||a.example^$removeparam", ask{"https://a.example/x?u=b&c", Document, ""}, "", "https://a.example/x"},
		{"||a.example^$removeparam", ask{"https://a.example/x?", Document, ""}, "", "https://a.example/x"},
		{"||a.example^$removeparam=~keep", ask{"https://a.example/x?u=b&keep=1&c", Document, ""}, "", "https://a.example/x?keep=1"},
		{"$removeparam=/^utm_/", ask{"https://a.example/x?utm_a=b&keep=utm_&utm_c", Document, ""}, "", "https://a.example/x?keep=utm_"},
		{"$removeparam=/^utm_/", ask{"https://a.example/x?UTM_a=b", Document, ""}, "", ""},
		{"$removeparam=/^utm_/i", ask{"https://a.example/x?UTM_a=b", Document, ""}, "", "https://a.example/x"},
		{"$removeparam=/^(a|b){1,2}=/,document", ask{"https://a.example/x?ab=1&abc=1", Document, ""}, "", "https://a.example/x?abc=1"},
		{"$removeparam=~/^keep/", ask{"https://a.example/x?utm_a=b&keeper=1", Document, ""}, "", "https://a.example/x?keeper=1"},
		{"$queryprune=u", ask{"https://a.example/?u=b", Document, ""}, "", "https://a.example/"},
		{"$removeparam=u\n$removeparam=v", ask{"https://a.example/?u=1&v=2&w=3", Document, ""}, "", "https://a.example/?w=3"},
		{"$removeparam=u\n@@||a.example^$removeparam=u", ask{"https://a.example/?u=b", Document, ""}, "", ""},
		{"$removeparam=u\n@@||a.example^$removeparam=v", ask{"https://a.example/?u=b", Document, ""}, "", "https://a.example/"},
		{"$removeparam=u\n@@||a.example^$removeparam", ask{"https://a.example/?u=b", Document, ""}, "", ""},
		{"$removeparam=u\n@@||a.example^$document", ask{"https://a.example/?u=b", Document, ""}, "", ""},
		{"$removeparam=u,xhr\n@@||a.example^$removeparam=v,document", ask{"https://b.example/?u=b", XHR, "https://a.example/"}, "", "https://b.example/"},
		{"$removeparam=u\n@@||a.example^", ask{"https://a.example/?u=b", Document, ""}, "", "https://a.example/"},
		{"$removeparam=u", ask{"https://user@a.example./?u=b#f", Document, ""}, "", "https://a.example/"},
		// Blocked is blocked.
		{"$removeparam=u,xhr\n||a.example^", ask{"https://a.example/?u=b", XHR, page}, "", ""},
	} {
		set := Compile([]Source{{"test", tt.list}})
		v := set.Match(&Request{URL: tt.q.url, Type: tt.q.typ, Page: tt.q.page, Method: tt.method})
		if v.URL != tt.want {
			t.Errorf("%q: %s: %q, want %q", tt.list, tt.q.url, v.URL, tt.want)
		}
		if (v.URL != "") != (len(v.Removed) > 0) {
			t.Errorf("%q: %s: %q by %v", tt.list, tt.q.url, v.URL, v.Removed)
		}
	}
	for _, bad := range []string{"$removeparam=a&b", "$removeparam=/(?=x)/", "$removeparam=/x/g", "$removeparam=//", "$removeparam=/"} {
		if l := Compile([]Source{{"test", bad}}).Lists()[0]; len(l.Unsupported) != 1 {
			t.Errorf("%q: %+v", bad, l)
		}
	}
}

func TestRedirects(t *testing.T) {
	const block = "||ads.example^\n"
	for _, tt := range []struct {
		list   string
		action Action
		name   string
	}{
		{"||ads.example^$redirect=noopjs", Redirect, "noop.js"},
		{"||ads.example^$script,redirect=noop.js", Redirect, "noop.js"},
		{"||ads.example^$image,redirect=noop.js", Pass, ""},
		{"||ads.example^$redirect=1x1-transparent.gif", Redirect, "1x1.gif"},
		{"||ads.example^$rewrite=abp-resource:blank-js", Redirect, "noop.js"},
		{"||ads.example^$redirect=my-own.js", Redirect, "my-own.js"},
		{"||ads.example^$empty", Redirect, "noop.txt"},
		{"||ads.example^$mp4", Pass, ""}, // for media only
		{"||ads.example^$redirect-rule=noopjs", Pass, ""},
		{block + "*$redirect-rule=noopjs", Redirect, "noop.js"},
		{block + "*$redirect-rule=noopjs,image", Block, ""},
		{block + "*$redirect-rule=a:1\n*$redirect-rule=b:20\n*$redirect-rule=c", Redirect, "b"},
		{block + "*$redirect-rule=a\n*$redirect-rule=b", Redirect, "a"},
		{block + "*$redirect-rule=noopjs:10\n@@||ads.example^$redirect-rule=noop.js", Block, ""},
		{block + "*$redirect-rule=noopjs\n@@||ads.example^$redirect-rule=other", Redirect, "noop.js"},
		{block + "*$redirect-rule=noopjs\n@@||ads.example^$redirect-rule", Block, ""},
		{block + "*$redirect-rule=noopjs\n*$redirect-rule=none:5", Block, ""},
		{block + "*$redirect-rule=noopjs\n@@||ads.example^", Allow, ""},
		{"||ads.example^$redirect=noopjs\n@@||ads.example^", Allow, ""},
		{"||ads.example^$important,redirect=noopjs\n@@||ads.example^", Redirect, "noop.js"},
	} {
		v := verdictOf(tt.list, ask{"https://ads.example/x", Script, "https://news.example/"})
		if v.Action != tt.action || v.Redirect != tt.name || (v.RedirectRule.Line > 0) != (tt.action == Redirect) {
			t.Errorf("%q: %v %q by %+v, want %v %q", tt.list, v.Action, v.Redirect, v.RedirectRule, tt.action, tt.name)
		}
	}
	if v := verdictOf("||ads.example^$mp4", ask{"https://ads.example/x", Media, ""}); v.Redirect != "noop-1s.mp4" {
		t.Errorf("$mp4: %+v", v)
	}
}

func TestPolicies(t *testing.T) {
	values := func(ps []Policy) (all []string) {
		for _, p := range ps {
			all = append(all, p.Value)
			if p.Rule.Line == 0 {
				t.Errorf("%q without its rule", p.Value)
			}
		}
		return all
	}
	for _, tt := range []struct {
		list      string
		typ       Type
		csp, perm []string
	}{
		{"||news.example^$csp=script-src 'self' *.x.example", Document, []string{"script-src 'self' *.x.example"}, nil},
		{"||news.example^$csp=script-src 'none'", Subdocument, []string{"script-src 'none'"}, nil},
		{"||news.example^$csp=script-src 'none'", Script, nil, nil},
		{"||news.example^$csp=script-src 'none',subdocument", Document, nil, nil},
		{"||news.example^$csp=a\n||news.example^$csp=b\n||news.example^$csp=a", Document, []string{"a", "b"}, nil},
		{"||news.example^$csp=a\n||news.example^$csp=b\n@@||news.example^$csp=a", Document, []string{"b"}, nil},
		{"||news.example^$csp=a\n||news.example^$csp=b\n@@||news.example^$csp", Document, nil, nil},
		{"||news.example^$csp=a\n@@||news.example^$document", Document, nil, nil},
		{"||news.example^$permissions=camera=()|sync-xhr=()", Document, nil, []string{"camera=(), sync-xhr=()"}},
		{"||news.example^$permissions=camera=()\\, sync-xhr=()", Document, nil, []string{"camera=(), sync-xhr=()"}},
		{"||news.example^$permissions=a=()\n@@||news.example^$csp", Document, nil, []string{"a=()"}},
	} {
		v := verdictOf(tt.list, ask{"https://news.example/", tt.typ, "https://news.example/"})
		if !slices.Equal(values(v.CSP), tt.csp) || !slices.Equal(values(v.Permissions), tt.perm) || v.Action != Pass {
			t.Errorf("%q: %+v", tt.list, v)
		}
	}
}

// TestRules: a verdict names its rule by list, line and text.
func TestRules(t *testing.T) {
	set := Compile([]Source{
		{"one", "\ufeff! Title: x\r\n\r\n  ||ads.example^$script  \r\n||other.example^"},
		{"two", "@@||ads.example/ok^\n"},
	})
	v := set.Match(&Request{URL: "https://ads.example/ok/", Type: Script})
	if want := (Rule{"two", 1, "@@||ads.example/ok^"}); v.Action != Allow || v.Rule != want {
		t.Errorf("%+v, want by %+v", v, want)
	}
	if want := (Rule{"one", 3, "||ads.example^$script"}); v.Overrode != want {
		t.Errorf("overrode %+v, want %+v", v.Overrode, want)
	}
	v = set.Match(&Request{URL: "https://other.example/"})
	if want := (Rule{"one", 4, "||other.example^"}); v.Rule != want {
		t.Errorf("%+v, want %+v", v.Rule, want)
	}
}
