package filterlist_test

import (
	"fmt"

	"freshet/filterlist"
)

func Example() {
	set := filterlist.Compile([]filterlist.Source{
		{Name: "ads", Text: "||ads.example^\n/banner/*$image\nnews.example##.sponsored\n$removeparam=utm_source\n||tracker.example^$popup\n"},
		{Name: "mine", Text: "@@||ads.example/player.js$script,domain=news.example\n"},
	})
	for _, q := range []filterlist.Request{
		{URL: "https://cdn.ads.example/x.gif", Page: "https://news.example/", Type: filterlist.Image},
		{URL: "https://ads.example/player.js", Page: "https://news.example/", Type: filterlist.Script},
		{URL: "https://shop.example/?utm_source=news&id=7", Type: filterlist.Document},
	} {
		v := set.Match(&q)
		fmt.Printf("%v %q %q\n", v.Action, v.Rule.Text, v.URL)
	}
	fmt.Print(set.Hide("https://news.example/").Specific)
	for _, l := range set.Lists() {
		for _, u := range l.Unsupported {
			fmt.Printf("%s: %d left out: %s\n", l.Name, u.Count, u.Reason)
		}
	}
	// Output:
	// block "||ads.example^" ""
	// allow "@@||ads.example/player.js$script,domain=news.example" ""
	// pass "" "https://shop.example/?id=7"
	// .sponsored{display:none!important}
	// ads: 1 left out: $popup
}
