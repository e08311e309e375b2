package main

import (
	"strings"
	"testing"

	"freshet/filterlist"
)

// Requests that are made of rules are what those rules are about.
func TestFromRule(t *testing.T) {
	pages := []string{"https://page.example/"}
	rules, hit := 0, 0
	for _, rule := range []string{
		"||ads.example^", "||ads.example^$script,third-party", "@@||ads.example/x$image", "/banner/*/img^", "|https://ads.", "-ad-728x90.", "/ads.js|", "://ads.$script", ".ads.example/",
		"&ad_id=$xmlhttprequest,domain=news.example|other.example",
	} {
		rules++
		r, ok := fromRule(rule, random(), pages)
		if !ok {
			continue
		}
		set := filterlist.Compile([]filterlist.Source{{Name: "x", Text: strings.TrimPrefix(rule, "@@")}})
		if r.typ != filterlist.Document && set.Match(r.question()).Action == filterlist.Block {
			hit++
		}
	}
	if hit < rules/2 {
		t.Errorf("%d of %d requests are about their rules", hit, rules)
	}
	for _, line := range []string{"! comment", "[Adblock]", "a.example##.ad", "/regular\\.expression/", "", "||^"} {
		if r, ok := fromRule(line, random(), pages); ok {
			t.Errorf("%q made %+v", line, r)
		}
	}
}

func TestHasOption(t *testing.T) {
	if !hasOption("||a^$script,popup", "popup") || hasOption("||a^$script", "popup") || hasOption("", "popup") || hasOption("/popup/", "popup") {
		t.Error("an option is not told from other text")
	}
}
