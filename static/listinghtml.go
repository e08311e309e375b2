package static

import (
	"crypto/sha256"
	"encoding/base64"
	"html"
	"net/url"
	"strconv"
	"strings"
	"unicode"
)

// appendListingHTML appends the page that shows a folder. It is appended by
// hand, not made by html/template, because a folder may have 50,000 entries;
// each name goes through entryHref and entryText and nothing else of it
// reaches the page.
//
// Everything that can be done with the page is a link, so that it works
// without scripts and in a text browser. Links are relative, so that it works
// below http.StripPrefix.
func appendListingHTML(dst []byte, urlPath string, entries []listingEntry, view listingView) []byte {
	title := html.EscapeString(visible(urlPath))
	shown := view.shown(entries)
	if need := 4096 + 160*len(shown); cap(dst)-len(dst) < need {
		dst = append(make([]byte, 0, len(dst)+need), dst...)
	}
	dst = append(dst, listingHead...)
	dst = append(append(dst, title...), "</title>\n<style>"...)
	dst = append(append(dst, listingStyle...), "</style>\n"...)
	dst = appendBreadcrumb(dst, urlPath)
	dst = appendSummary(dst, entries)
	dst = append(dst, "<table>\n<thead><tr>"...)
	for order, label := range orderLabels {
		dst = appendColumn(dst, view, listingOrder(order), label)
	}
	dst = append(dst, "\n<tbody>\n"...)
	if urlPath != "/" {
		dst = append(dst, "<tr class=\"d up\"><td><a href=\"../\">../</a><td><td>\n"...)
	}
	for i := range shown {
		dst = appendRow(dst, &shown[i])
	}
	dst = append(dst, "</table>\n"...)
	dst = appendPager(dst, view, len(entries))
	return append(dst, "</main>\n"...)
}

// appendBreadcrumb appends the heading: the path, each folder of it a link.
func appendBreadcrumb(dst []byte, urlPath string) []byte {
	names := strings.Split(strings.Trim(urlPath, "/"), "/")
	if names[0] == "" {
		names = nil
	}
	dst = append(dst, "<main>\n<h1><span>Index of</span> "...)
	for up := len(names); up >= 0; up-- {
		name := "/"
		if i := len(names) - up; i > 0 {
			name = html.EscapeString(visible(names[i-1]))
		}
		if up == 0 {
			dst = append(append(append(dst, "<b>"...), name...), "</b>"...)
		} else {
			dst = append(append(dst, `<a href="`...), strings.Repeat("../", up)...)
			dst = append(append(append(dst, `">`...), name...), "</a>"...)
		}
		if name != "/" {
			dst = append(dst, "<i>/</i>"...)
		}
	}
	return append(dst, "</h1>\n"...)
}

// appendSummary appends "2 folders, 3 files, 1.2 MB".
func appendSummary(dst []byte, entries []listingEntry) []byte {
	folders, files, total := 0, 0, int64(0)
	for i := range entries {
		if entries[i].Dir {
			folders++
		} else {
			files++
			total += entries[i].Size
		}
	}
	dst = append(dst, "<p>"...)
	switch {
	case folders == 0 && files == 0:
		dst = append(dst, "This folder is empty."...)
	case files == 0:
		dst = appendCount(dst, folders, "folder")
	default:
		if folders > 0 {
			dst = append(appendCount(dst, folders, "folder"), ", "...)
		}
		dst = append(appendCount(dst, files, "file"), ", "...)
		dst = appendHumanSize(dst, total)
	}
	return append(dst, "</p>\n"...)
}

func appendCount(dst []byte, n int, noun string) []byte {
	dst = append(append(strconv.AppendInt(dst, int64(n), 10), ' '), noun...)
	if n != 1 {
		dst = append(dst, 's')
	}
	return dst
}

var orderLabels = [...]string{byName: "Name", bySize: "Size", byModified: "Modified (UTC)"}

// appendColumn appends the head of a column, a link that sorts by it: names
// ascending and the biggest and newest first, the other way round when the
// page is sorted that way already.
func appendColumn(dst []byte, view listingView, order listingOrder, label string) []byte {
	next := listingView{sort: order, desc: order != byName}
	dst = append(dst, "<th"...)
	mark := ""
	if view.sort == order {
		next.desc = !view.desc
		if view.desc {
			dst, mark = append(dst, ` aria-sort="descending"`...), " ↓"
		} else {
			dst, mark = append(dst, ` aria-sort="ascending"`...), " ↑"
		}
	}
	dst = append(append(dst, `><a href="`...), html.EscapeString(next.query())...)
	dst = append(append(dst, `">`...), label...)
	return append(append(dst, mark...), "</a>"...)
}

func appendRow(dst []byte, e *listingEntry) []byte {
	if e.Dir {
		dst = append(dst, `<tr class=d>`...)
	} else {
		dst = append(dst, `<tr>`...)
	}
	dst = append(append(append(dst, `<td><a href="`...), html.EscapeString(entryHref(e))...), `">`...)
	dst = append(dst, html.EscapeString(visible(e.Name))...)
	if e.Dir {
		dst = append(dst, "/</a><td>"...)
	} else {
		dst = append(dst, "</a><td title=\""...)
		dst = append(strconv.AppendInt(dst, e.Size, 10), " bytes\">"...)
		dst = appendHumanSize(dst, e.Size)
	}
	dst = append(dst, "<td>"...)
	if !e.Modified.IsZero() {
		dst = append(dst, "<time>"...)
		dst = e.Modified.UTC().AppendFormat(dst, "2006-01-02 15:04Z")
		dst = append(dst, "</time>"...)
	}
	return append(dst, '\n')
}

func appendPager(dst []byte, view listingView, entries int) []byte {
	pages := view.pages(entries)
	if pages == 1 {
		return dst
	}
	link := func(page int, label, rel string) {
		v := view
		v.page = page
		dst = append(append(dst, `<a rel="`...), rel...)
		dst = append(append(dst, `" href="`...), html.EscapeString(v.query())...)
		dst = append(append(append(dst, `">`...), label...), "</a> "...)
	}
	dst = append(dst, "<p>"...)
	if view.page > 1 {
		link(view.page-1, "previous", "prev")
	}
	dst = append(strconv.AppendInt(append(dst, "page "...), int64(view.page), 10), " of "...)
	dst = append(strconv.AppendInt(dst, int64(pages), 10), ' ')
	if view.page < pages {
		link(view.page+1, "next", "next")
	}
	return append(dst, "</p>\n"...)
}

// entryHref is the relative address of an entry. It starts with "./" because a
// name such as "mailto:x" would be read as a scheme (RFC 3986 §4.2).
func entryHref(e *listingEntry) string {
	href := "./" + url.PathEscape(e.Name)
	if e.Dir {
		href += "/"
	}
	return href
}

// visible returns a name as it may be shown: what is not UTF-8, controls, and
// the characters that turn the reading direction (so that exe.txt can be shown
// as txt.exe) become U+FFFD.
func visible(name string) string {
	for i := 0; ; i++ {
		if i == len(name) {
			return name
		}
		if c := name[i]; c < ' ' || c > '~' {
			break
		}
	}
	return strings.Map(func(r rune) rune {
		if unicode.IsControl(r) || unicode.Is(unicode.Bidi_Control, r) {
			return unicode.ReplacementChar
		}
		return r
	}, name)
}

// appendHumanSize appends a size in three digits or so: 999 B, 1.5 kB, 12 MB.
// Units are powers of 1000, as on the box of a disk. The space is one that does
// not break.
func appendHumanSize(dst []byte, size int64) []byte {
	if size < 1000 {
		return append(strconv.AppendInt(dst, size, 10), "\u00a0B"...)
	}
	n, unit := float64(size), 0
	for n >= 999.5 && unit < len("kMGTPE") {
		n, unit = n/1000, unit+1
	}
	digits := 0
	if n < 9.95 {
		digits = 1
	}
	dst = strconv.AppendFloat(dst, n, 'f', digits, 64)
	return append(append(dst, "\u00a0"...), "kMGTPE"[unit-1], 'B')
}

const listingHead = `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<meta name="color-scheme" content="light dark">
<title>Index of `

// listingPolicy allows the page its one style sheet and nothing else, so that
// even a name that escaped our escaping could not run.
var listingPolicy = func() string {
	sum := sha256.Sum256([]byte(listingStyle))
	return "default-src 'none'; style-src 'sha256-" + base64.StdEncoding.EncodeToString(sum[:]) +
		"'; base-uri 'none'; form-action 'none'"
}()

const listingStyle = `
:root{--paper:#f7fafb;--card:#fff;--ink:#17262e;--soft:#566b76;--accent:#00708c;--line:#dfe9ed;--hover:#eef6f9}
@media(prefers-color-scheme:dark){:root{--paper:#0f171c;--card:#151f26;--ink:#e3ecf0;--soft:#93a8b3;--accent:#5cc8e0;--line:#22313a;--hover:#1b2831}}
body{margin:0;background:var(--paper);color:var(--ink);font:1rem/1.5 system-ui,sans-serif}
main{box-sizing:border-box;max-width:60rem;margin:0 auto;padding:2.5rem 1.5rem 4rem}
h1{margin:0;font-size:1.5rem;font-weight:600;line-height:1.3;overflow-wrap:anywhere}
h1 span{display:block;color:var(--soft);font-size:.875rem;font-weight:400}
h1 b{font-weight:600}
h1 i{color:var(--soft);font-style:normal;font-weight:400;padding:0 .2em}
p{margin:.25rem 0 1.25rem;color:var(--soft);font-size:.875rem}
a{color:var(--accent);text-decoration:none}
a:hover,a:focus-visible{text-decoration:underline}
table{width:100%;table-layout:fixed;border-collapse:separate;border-spacing:0;background:var(--card);border:1px solid var(--line);border-radius:.5rem;font-variant-numeric:tabular-nums}
th,td{padding:.4rem .875rem;text-align:left;vertical-align:top}
th{position:sticky;top:0;background:var(--card);border-bottom:1px solid var(--line);border-radius:.5rem .5rem 0 0;font-size:.8125rem;font-weight:500}
th a{color:var(--soft)}
th[aria-sort] a{color:var(--ink)}
tbody tr+tr td{border-top:1px solid var(--line)}
tbody tr:hover td{background:var(--hover)}
td{overflow-wrap:anywhere;white-space:pre-wrap}
th:nth-child(2),td:nth-child(2){width:6.5rem;text-align:right}
th:nth-child(3),td:nth-child(3){width:10.5rem}
td+td{color:var(--soft);font-size:.875rem;line-height:1.7;white-space:nowrap}
td a{display:block;padding-left:1.75rem;color:var(--ink)}
.d a{color:var(--accent);font-weight:500}
td a::before{content:"";float:left;width:.8rem;height:1rem;margin:.25rem 0 0 -1.65rem;background:var(--soft);opacity:.45;clip-path:polygon(0 0,60% 0,100% 32%,100% 100%,0 100%)}
.d a::before{width:1.1rem;height:.85rem;margin:.3rem 0 0 -1.75rem;background:var(--accent);opacity:.85;clip-path:polygon(0 0,38% 0,50% 18%,100% 18%,100% 100%,0 100%)}
@media(max-width:36rem){
main{padding:1.25rem .75rem 3rem}
thead{display:block}
tr{display:flex;flex-wrap:wrap}
th,td,th:nth-child(n),td:nth-child(n){width:auto;text-align:left}
td:first-child{flex:100%}
tbody tr td+td{border:0;padding:0 .5rem .45rem 2.625rem;font-size:.8125rem;line-height:1.2}
tbody tr td+td+td{padding-left:0}
tbody .d td:last-child{padding-left:2.625rem}
thead tr{border-bottom:1px solid var(--line)}
th{border:0}
td:empty{display:none}
.up td:first-child{padding-bottom:.45rem}
}
`
