package main

import (
	"bufio"
	"fmt"
	"math/rand/v2"
	"os"
	"path"
	"strings"

	"freshet/filterlist"
)

// request is what both engines are asked about.
type request struct {
	url  string
	typ  filterlist.Type
	page string
}

// seed makes the same requests each time.
const seed = 20190416

func random() *rand.Rand { return rand.New(rand.NewPCG(seed, 1)) }

// requests makes requests of a list of sites, URLs of pages each followed by
// those of what they load, and of the patterns of the lists.
func requests(sites string, lists []filterlist.Source) ([]request, error) {
	random := random()
	visited, err := readSites(sites)
	if err != nil {
		return nil, err
	}
	all := visited
	pages := pagesOf(visited)
	// The same URLs for another type, and on the page of somebody else.
	for _, r := range visited {
		if r.typ != filterlist.Document {
			all = append(all, request{r.url, anyType(random), r.page}, request{r.url, r.typ, pages[random.IntN(len(pages))]})
		}
	}
	for _, list := range lists {
		for line := range strings.Lines(list.Text) {
			if r, ok := fromRule(strings.TrimSpace(line), random, pages); ok {
				near := r
				near.typ = anyType(random)
				near.page = pages[random.IntN(len(pages))]
				all = append(all, r, near)
			}
		}
	}
	return all, nil
}

// readSites reads a list of URLs. One with nothing but a host is the page of
// those that follow.
func readSites(name string) ([]request, error) {
	f, err := os.Open(name)
	if err != nil {
		return nil, fmt.Errorf("read sites: %w", err)
	}
	defer f.Close()
	var all []request
	page := ""
	for lines := bufio.NewScanner(f); lines.Scan(); {
		url := strings.TrimSpace(lines.Text())
		_, rest, ok := strings.Cut(url, "://")
		if !ok || strings.ContainsAny(url, "\t ") {
			continue
		}
		if _, file, _ := strings.Cut(rest, "/"); file == "" || page == "" {
			page = url
			all = append(all, request{url, filterlist.Document, url})
			continue
		}
		all = append(all, request{url, typeOf(url), page})
	}
	return all, nil
}

func pagesOf(all []request) (pages []string) {
	for _, r := range all {
		if r.typ == filterlist.Document {
			pages = append(pages, r.url)
		}
	}
	return pages
}

// typeOf guesses what a URL is loaded as by how its path ends.
func typeOf(url string) filterlist.Type {
	url, _, _ = strings.Cut(url, "?")
	switch strings.ToLower(path.Ext(url)) {
	case ".js":
		return filterlist.Script
	case ".css":
		return filterlist.Stylesheet
	case ".png", ".gif", ".jpg", ".jpeg", ".svg", ".webp", ".ico":
		return filterlist.Image
	case ".woff", ".woff2", ".ttf", ".eot":
		return filterlist.Font
	case ".mp4", ".mp3", ".webm":
		return filterlist.Media
	case ".html", ".htm", ".php", ".aspx":
		return filterlist.Subdocument
	case ".swf":
		return filterlist.Object
	}
	return filterlist.XHR
}

// types are those that requests are made for: of web sockets the other engine
// wants URLs of their own.
var types = []filterlist.Type{
	filterlist.Script, filterlist.Image, filterlist.Stylesheet, filterlist.Subdocument, filterlist.XHR, filterlist.Font,
	filterlist.Media, filterlist.Object, filterlist.Ping, filterlist.Other, filterlist.Document,
}

func anyType(random *rand.Rand) filterlist.Type { return types[random.IntN(len(types))] }

// fromRule makes a request that a network rule is likely to be about: of its
// pattern a URL, of its options a type and a page.
func fromRule(line string, random *rand.Rand, pages []string) (request, bool) {
	if line == "" || line[0] == '!' || line[0] == '[' || strings.Contains(line, "##") || strings.Contains(line, "#@#") || strings.Contains(line, "#?#") {
		return request{}, false
	}
	pattern, opts, _ := strings.Cut(strings.TrimPrefix(line, "@@"), "$")
	if len(pattern) > 1 && pattern[0] == '/' && pattern[len(pattern)-1] == '/' || strings.ContainsAny(pattern, "\\( ") {
		return request{}, false // a regular expression
	}
	r := request{typ: anyType(random), page: pages[random.IntN(len(pages))]}
	for opt := range strings.SplitSeq(opts, ",") {
		if t, ok := filterlist.ParseType(opt); ok && t != filterlist.WebSocket {
			r.typ = t
		}
		if names, ok := strings.CutPrefix(opt, "domain="); ok {
			name, _, _ := strings.Cut(names, "|")
			if !strings.HasPrefix(name, "~") {
				r.page = "https://" + strings.TrimSuffix(name, ".*") + "/"
			}
		}
	}
	middle := strings.NewReplacer("*", "x", "^", "/").Replace(strings.Trim(pattern, "|*"))
	switch host := strings.HasPrefix(pattern, "||"); {
	case host && !strings.ContainsAny(middle, "/?"):
		r.url = "https://" + middle + "/"
	case host:
		r.url = "https://" + middle
	case strings.Contains(middle, "://") && !strings.HasPrefix(middle, ":"):
		r.url = middle
	case strings.HasPrefix(middle, "://"):
		r.url = "https" + middle + "example.com/"
	case strings.HasPrefix(middle, "."):
		r.url = "https://www" + middle
	default:
		r.url = "https://site.example.com/" + middle
	}
	if strings.HasSuffix(r.url, ".") && strings.Count(r.url, "/") == 2 {
		r.url += "example/" // a host that the pattern leaves open
	}
	if !strings.HasSuffix(pattern, "|") && random.IntN(2) == 0 {
		r.url += []string{"x", "/x.js", "?x=1", "&ad=2"}[random.IntN(4)]
	}
	if r.typ == filterlist.Document {
		r.page = r.url
	}
	scheme, rest, _ := strings.Cut(r.url, "://")
	host, _, _ := strings.Cut(rest, "/")
	ok := (scheme == "http" || scheme == "https") && len(host) > 1 && strings.Trim(strings.ToLower(host), "abcdefghijklmnopqrstuvwxyz0123456789-._") == "" && host[0] != '.' && host[len(host)-1] != '.'
	return r, ok && !strings.ContainsAny(r.url, "\t #")
}
