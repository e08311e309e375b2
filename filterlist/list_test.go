package filterlist

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"
)

func TestLists(t *testing.T) {
	set := Compile([]Source{
		{"easy", "[Adblock Plus 2.0]\n! Title: Easy\n! Homepage: https://easy.example/\n! Expires: 4 days (update frequency)\n! Version: 7\n! Licence: CC\n! Last modified: today\n||a.example^\n@@||b.example^\n##.c\nd.example#@#.c\n||e.example^$redirect=noopjs\n||f.example^$popup\n||g.example^$popup\n$removeparam=x\n"},
		{"hosts", "# Title: Hosts\n## not a rule\n#### nor this\n127.0.0.1 localhost\n0.0.0.0 a.example b.example\n\n::1 ip6-localhost # x\n"},
		{"names", "# names\na.example\n*.b.example\n"},
		{"nothing", "! only a comment\n"},
	})
	l := set.Lists()
	if e := l[0]; e.Name != "easy" || e.Format != "adblock" || e.Title != "Easy" || e.Homepage != "https://easy.example/" || e.Expires != 96*time.Hour ||
		e.Version != "7" || e.License != "CC" || e.Modified != "today" {
		t.Errorf("%+v", e)
	}
	if want := (Counts{Block: 2, Allow: 1, Hide: 1, Unhide: 1, Modify: 2}); l[0].Counts != want {
		t.Errorf("%+v, want %+v", l[0].Counts, want)
	}
	if u := l[0].Unsupported; len(u) != 1 || u[0].Reason != "$popup" || u[0].Count != 2 || fmt.Sprint(u[0].First) != "[{easy 13 ||f.example^$popup} {easy 14 ||g.example^$popup}]" {
		t.Errorf("%+v", u)
	}
	if h := l[1]; h.Format != "hosts" || h.Counts != (Counts{Hosts: 2}) || h.Title != "Hosts" || len(h.Unsupported) > 0 {
		t.Errorf("%+v", h)
	}
	if n := l[2]; n.Format != "domains" || n.Counts != (Counts{Hosts: 2}) || len(n.Unsupported) > 0 {
		t.Errorf("%+v", n)
	}
	if n := l[3]; n.Format != "" || n.Counts.Rules() != 0 {
		t.Errorf("%+v", n)
	}
}

// TestManyReasons: the table of reasons is bounded, their number is not lost.
func TestManyReasons(t *testing.T) {
	var b strings.Builder
	for i := range 1000 {
		fmt.Fprintf(&b, "||a.example^$unknown-%d\n", i)
	}
	sum := 0
	reasons := Compile([]Source{{"x", b.String()}}).Lists()[0].Unsupported
	for _, u := range reasons {
		sum += u.Count
	}
	if len(reasons) != maxReasons || sum != 1000 || reasons[0].Reason != otherReasons || reasons[0].Count != 801 || len(reasons[0].First) != maxReported {
		t.Errorf("%d reasons, %d lines, first %+v", len(reasons), sum, reasons[0])
	}
}

// TestManyLists: lists beyond the limit are named, and left out.
func TestManyLists(t *testing.T) {
	sources := make([]Source, maxSources+1)
	for i := range sources {
		sources[i] = Source{fmt.Sprint(i), fmt.Sprintf("a%d.example", i)}
	}
	set := Compile(sources)
	lists := set.Lists()
	if l := lists[maxSources]; len(lists) != len(sources) || l.Counts.Rules() != 0 || len(l.Unsupported) != 1 {
		t.Errorf("%d lists, the last %+v", len(lists), lists[len(lists)-1])
	}
	if set.Match(&Request{URL: "https://a999.example/"}).Action != Block || set.Match(&Request{URL: "https://a1000.example/"}).Action != Pass {
		t.Error("the limit is elsewhere")
	}
}

// TestSteps: regular expressions are bounded in all.
func TestSteps(t *testing.T) {
	var b strings.Builder
	for i := range 200 {
		fmt.Fprintf(&b, "/x%d(abcdefgh){400}/\n", i)
	}
	l := Compile([]Source{{"x", b.String()}}).Lists()[0]
	if l.Counts.Block < 50 || l.Counts.Block > 150 || len(l.Unsupported) != 1 || l.Unsupported[0].Count != 200-l.Counts.Block {
		t.Errorf("%+v", l)
	}
}

func TestExpires(t *testing.T) {
	for value, want := range map[string]time.Duration{
		"4 days (update frequency)": 96 * time.Hour, "1 day": 24 * time.Hour, "12 hours": 12 * time.Hour, "12h": 12 * time.Hour, "3": 72 * time.Hour,
		"2 weeks": 14 * 24 * time.Hour, "30 minutes": 30 * time.Minute, "1 month": 30 * 24 * time.Hour, "9999 days": maxExpires, "soon": 0, "99999999999999999999": 0, "": 0,
	} {
		if got := parseExpires(value); got != want {
			t.Errorf("%q: %v, want %v", value, got, want)
		}
	}
}

// TestHashLines tells comments from rules that begin alike.
func TestHashLines(t *testing.T) {
	for line, want := range map[string]lineKind{
		"# a": lineComment, "#a": lineComment, "#": lineComment, "##": lineComment, "## a": lineComment, "####": lineComment, "### a": lineComment, "#---": lineComment, "##---": lineComment, "##===": lineComment,
		"##a": lineRule, "###a": lineRule, "##.a": lineRule, "#@#a": lineRule, "#?#a": lineRule, "#$#a {}": lineRule, "#%#a": lineRule, "#@ a": lineComment, "#$ 5": lineComment,
		"! a": lineComment, "!#if x": lineDirective, "[Adblock]": lineComment, "[$path=/x]##a": lineRule, "1.2.3.4 a.example": lineHosts, "fe80::1%lo0 localhost": lineHosts,
		"a.example": lineDomain, "a.example # b": lineDomain, "a_b.example": lineDomain, ".a.example": lineDomain, "a": lineRule, "1.2.3.4": lineRule, "a.example/": lineRule, "-a.example": lineRule,
	} {
		if got := kindOf(line, false); got != want {
			t.Errorf("%q: %v, want %v", line, got, want)
		}
	}
}

func TestConditions(t *testing.T) {
	for expr, want := range map[string]truth{
		"true": yes, "false": no, "!false": yes, "!true": no, "true && false": no, "true || false": yes, "env_firefox": no, "!env_mv3": yes, "ext_ublock && env_chromium": no,
		"adguard && !adguard_ext_safari": no, "(adguard || true) && !cap_html_filtering": yes, "what_is_this": maybe, "!what": maybe, "what && false": no, "what || true": yes, "what && true": maybe,
		"what || false": maybe, "": maybe, "true true": maybe, "(true": maybe, "true)": maybe, "!": maybe, strings.Repeat("(", 100): maybe, strings.Repeat("!", 100) + "true": maybe,
	} {
		if got := evaluate(expr); got != want {
			t.Errorf("%q: %v, want %v", expr, got, want)
		}
	}
}

func TestDirectives(t *testing.T) {
	for _, tt := range []struct {
		list string
		want bool
	}{
		{"!#if true\na.example\n!#endif", true},
		{"!#if false\na.example\n!#endif", false},
		{"!#if env_firefox\n!#else\na.example\n!#endif", true},
		{"!#if something\na.example\n!#else\na.example\n!#endif", false},
		{"!#if false\n!#if true\na.example\n!#endif\n!#endif", false},
		{"!#if true\n!#if true\na.example\n!#endif\n!#endif", true},
		{"!#endif\na.example", true},
		{"!#else\na.example", true},
		{"!#safari_cb_affinity(all)\na.example", true},
		{"!+ PLATFORM(windows)\na.example", false},
		{"!+ PLATFORM(windows)\nb.example\na.example", true},
		{"!+ NOT_PLATFORM(windows)\na.example", true},
		{"!+ NOT_OPTIMIZED\na.example", true},
		{strings.Repeat("!#if true\n", 100) + "a.example", false},
	} {
		if got := verdictOf(tt.list, ask{url: "https://a.example/"}).Action == Block; got != tt.want {
			t.Errorf("%q: %v, want %v", tt.list, got, tt.want)
		}
	}
}

// TestVersion: it changes if and only if an answer may.
func TestVersion(t *testing.T) {
	const list = "||a.example^\n##.b\nc.example\n"
	version := func(text string) string { return Compile([]Source{{"x", text}}).Version() }
	base := version(list)
	if len(base) != 16 {
		t.Errorf("version %q", base)
	}
	for _, same := range []string{
		"! a comment\n" + list, "\n\n" + list, strings.ReplaceAll(list, "\n", "\r\n"), list + "||d.example^$popup\n", "! Title: x\n" + list, list + "||d.example^\n||d.example^$badfilter\n",
		list + "!#if false\n||d.example^\n!#endif\n",
	} {
		if got := version(same); got != base {
			t.Errorf("%q: %s, want %s as of %q", same, got, base, list)
		}
	}
	for _, other := range []string{"", "||a.example^\n##.b\n", list + "||d.example^\n", "||a.example^$script\n##.b\nc.example\n", "||a.example^\n##.bb\nc.example\n", "||a.example^\n##.b\n0.0.0.0 c.example\n", "[Adblock]\n" + list} {
		if got := version(other); got == base {
			t.Errorf("%q has the version of %q", other, list)
		}
	}
	if a, b := Compile([]Source{{"one", list}}).Version(), Compile([]Source{{"another", list}}).Version(); a != b {
		t.Errorf("the name of a list changes the version")
	}
	var none *Set
	if none.Version() != version("") || (&Set{}).Version() != version("") {
		t.Errorf("a set without rules has two versions")
	}
}

// TestEmptySets: a nil Set and a zero one answer.
func TestEmptySets(t *testing.T) {
	for _, s := range []*Set{nil, {}, Compile(nil)} {
		if v := s.Match(&Request{URL: "https://a.example/"}); v.Action != Pass {
			t.Errorf("%+v", v)
		}
		if h := s.Hide("a.example"); h.Style() != "" || s.GenericStyle() != "" || len(s.Lists()) != 0 || s.Find("a", 1) != nil {
			t.Errorf("%+v", h)
		}
	}
	if v := Compile([]Source{{"x", "*$all"}}).Match(&Request{}); v.Action != Pass {
		t.Errorf("without a URL: %+v", v)
	}
}

func TestFind(t *testing.T) {
	set := Compile([]Source{{"one", "! Ads\n||ADS.example^\n@@||ads.example^\nnews.example##.ads\nnews.example#@#.ads\n||x^$popup,ads\n"}, {"two", "0.0.0.0 ads.example\nads.example\n10.0.0.1 ads.example\n*$removeparam=ads\n*$x,ads\n||ads^$badfilter\n##ads:xpath(x)\n"}})
	var got []string
	for _, f := range set.Find("ads", 100) {
		got = append(got, fmt.Sprintf("%s %d %s %s", f.Rule.List, f.Rule.Line, f.Kind, f.Why))
	}
	want := []string{
		"one 1 comment ", "one 2 block ", "one 3 allow ", "one 4 hide ", "one 5 unhide ", "one 6 unsupported unknown option $ads",
		"two 1 hosts ", "two 2 hosts ", "two 3 unsupported a host at an address of its own", "two 4 modify ", "two 5 unsupported unknown option $x", "two 6 badfilter ", "two 7 unsupported extended CSS :xpath",
	}
	if !slices.Equal(got, want) {
		t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
	if n := len(set.Find("ads", 3)); n != 3 {
		t.Errorf("%d lines, want 3", n)
	}
}

func TestDiff(t *testing.T) {
	added, removed := Diff("! Version: 1\na\nb\nc\n", "! Version: 2\nc\r\na\nd\n")
	if !slices.Equal(added, []string{"d"}) || !slices.Equal(removed, []string{"b"}) {
		t.Errorf("added %q, removed %q", added, removed)
	}
}

// The examples of RFC 3492 §7.1 that are one label, and names in use.
func TestPunycode(t *testing.T) {
	for host, want := range map[string]string{
		"bücher.example":           "xn--bcher-kva.example",
		"пример.испытание":         "xn--e1afmkfd.xn--80akhbyknj4f",
		"ПРИМЕР.example":           "xn--e1afmkfd.example",
		"他们为什么不说中文":                "xn--ihqwcrb4cv8a8dqg056pqjye",
		"3年b組金八先生":                 "xn--3b-ww4c5e180e575a65lsy2b",
		"安室奈美恵-with-super-monkeys": "xn---with-super-monkeys-pc58ag80a8qai00g7n9n",
		"Example.COM":              "example.com",
		"xn--e1afmkfd":             "xn--e1afmkfd",
	} {
		if got, ok := asciiHost(host); !ok || got != want {
			t.Errorf("%s: %q, %v, want %q", host, got, ok, want)
		}
	}
	for _, bad := range []string{"\xff", strings.Repeat("ü", 70)} {
		if got, ok := asciiHost(bad); ok {
			t.Errorf("%q: %q", bad, got)
		}
	}
}
