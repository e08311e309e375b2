// Package filterlist compiles block lists and says what becomes of a request:
// nothing, blocked, answered by a stand-in, sent without some of its query. It
// reads the network rules and the element hiding rules of Adblock Plus, uBlock
// Origin and AdGuard, hosts files and plain lists of domains; which of these a
// text is, its lines tell.
//
// It is for a proxy, which sees URLs and documents and no windows: rules about
// pop-ups, scripts inside a page and the insides of answers are not applied.
// What is not understood is counted with its reason and shown by [Set.Lists];
// nothing is guessed. It fetches nothing: lists arrive as text.
//
//	set := filterlist.Compile([]filterlist.Source{{Name: "mine", Text: "||ads.example^\n"}})
//	v := set.Match(&filterlist.Request{URL: "https://ads.example/x.js", Page: "https://news.example/", Type: filterlist.Script})
//	if v.Action == filterlist.Block {
//		log.Printf("%s, line %d: %s", v.Rule.List, v.Rule.Line, v.Rule.Text)
//	}
//
// # Which rule wins
//
// A blocking rule with $important, unless an exception with $important matches
// too; else an exception over a blocking rule. An exception with $document is
// for everything on the pages that it matches, one with $genericblock takes the
// rules without $domain from them (entries of hosts files stay). A rule that
// $badfilter names is not there. A rule blocks a document, as opposed to what a
// document needs, only if it says $document or $all, or is an entry of a hosts
// file or of a list of domains.
//
// # What a line means where dialects differ
//
//   - A name alone is a domain with all below it, for every type of request; in
//     a list that begins with "[Adblock" it is a pattern, as its authors mean it.
//   - The names on a line of a hosts file are those hosts and no others.
//   - Of $domain the entry that is closest to the host decides; an entry for all
//     endings (example.*) comes after those that name the host.
//   - $removeparam without types is for documents, frames and xmlhttprequest.
//   - Conditions of !#if are false but for "true": this is no extension of any
//     browser. A condition that is not known leaves out both of its branches.
//   - What follows "||" and ends with "|" ends with the URL, not with the host:
//     behind a host stands a slash.
//   - Exceptions without types are for documents, too; a page that an exception
//     with $document is for is left alone altogether, but for $important.
//
// # Limits
//
// 1000 lists, 256 MiB of each and 1 GiB of all, 32 KiB of a line, 4096 bytes of a regular
// expression, and 500,000 steps (roughly: instructions) of all of them; what is
// beyond is left out and counted. Expressions take 32 Mi steps times bytes of the
// URL for one request; those that come later do not match. Of a host the last 32
// labels count. The style sheet for all pages ends before 1 MiB, that for one page
// before 128 KiB.
//
// # Invariants
//
// A Set never changes and may be used by any number of goroutines. Matching is
// a function of the set and the request. It allocates only if there is something
// to change, the URL is longer than 2 KiB, has a user or a host in upper case,
// or a rule that matches otherwise depends on a public suffix.
// Two sets with one version give the same answers but for line numbers and
// names of lists.
package filterlist
