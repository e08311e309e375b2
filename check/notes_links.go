package check

import (
	"slices"
	"strings"
)

// preloadTypes are what a request can be for (Fetch §2.2.5), and so a preload.
var preloadTypes = []string{
	"fetch", "font", "image", "json", "script", "style", "track", "audio", "video", "document", "embed", "object", "worker",
	"audioworklet", "paintworklet", "sharedworker", "manifest", "report", "xslt", "serviceworker", "frame", "iframe",
}

// linkNotes are about Link (RFC 8288), and what browsers do with it (HTML).
var linkNotes = []Note{
	{
		ID: "link-syntax", Severity: Bad,
		Sentence: "a link does not begin with its target in angle brackets, and recipients drop it",
		Clause:   "RFC 8288 §3", Remedy: `write links as in </style.css>; rel="preload"; as="style"`,
		Fires:  Example{Response: "HTTP/1.1 200 OK\nLink: /style.css; rel=preload; as=style\n\n"},
		Silent: Example{Response: "HTTP/1.1 200 OK\nLink: </a,b;c>; rel=\"preload\"; as=style, </d>; rel=next\n\n"},
		find: func(x *subject, report func(where, detail string)) {
			for _, l := range parseLinks(x.lines("Link")) {
				if l.broken {
					report(of("Link"), l.raw)
				}
			}
		},
	},
	{
		ID: "link-without-rel", Severity: Bad,
		Sentence: "a link does not say what its target is (rel), so recipients can do nothing with it",
		Clause:   "RFC 8288 §3.3", Remedy: "add rel",
		Fires:  Example{Response: "HTTP/1.1 200 OK\nLink: </style.css>; as=style\n\n"},
		Silent: Example{Response: "HTTP/1.1 200 OK\nLink: </style.css>; rel=preload; as=style\n\n"},
		find: perLink(func(_ *subject, l *link) (string, bool) {
			rel, ok := l.param("rel")
			_, reversed := l.param("rev")
			return "", !reversed && (!ok || trimSpace(rel) == "")
		}),
	},
	{
		ID: "link-rel-twice", Severity: Warn,
		Sentence: "a link has rel twice, and only the first counts",
		Clause:   "RFC 8288 §3.3", Remedy: `write the relations in one, as in rel="preload prefetch"`,
		Fires:  Example{Response: "HTTP/1.1 200 OK\nLink: </a>; rel=next; rel=last\n\n"},
		Silent: Example{Response: "HTTP/1.1 200 OK\nLink: </a>; rel=\"next last\"\n\n"},
		find: perLink(func(_ *subject, l *link) (string, bool) {
			n := 0
			for _, p := range l.params {
				if p.name == "rel" {
					n++
				}
			}
			return "", n > 1
		}),
	},
	{
		ID: "link-rev", Severity: Info,
		Sentence: "a link says rev, which is no longer to be used",
		Clause:   "RFC 8288 §3.3", Remedy: "name the opposite relation in rel",
		Fires:  Example{Response: "HTTP/1.1 200 OK\nLink: </a>; rev=made\n\n"},
		Silent: Example{Response: "HTTP/1.1 200 OK\nLink: </a>; rel=author\n\n"},
		find: perLink(func(_ *subject, l *link) (string, bool) {
			_, reversed := l.param("rev")
			return "", reversed
		}),
	},
	{
		ID: "link-type-invalid", Severity: Warn,
		Sentence: "type of a link is no media type",
		Clause:   "RFC 8288 §3.4.1", Remedy: "write a media type, such as text/css, or leave it out",
		Fires:  Example{Response: "HTTP/1.1 200 OK\nLink: </a.css>; rel=preload; as=style; type=css\n\n"},
		Silent: Example{Response: "HTTP/1.1 200 OK\nLink: </a.css>; rel=preload; as=style; type=\"text/css\"\n\n"},
		find: perLink(func(_ *subject, l *link) (string, bool) {
			v, given := l.param("type")
			return "", given && !isMediaType(v)
		}),
	},
	{
		ID: "preload-without-as", Severity: Bad,
		Sentence: "a preload does not say what it is for (as), and browsers do not load it",
		Clause:   "HTML", Remedy: "add as, such as as=style",
		Fires:  Example{Response: "HTTP/1.1 200 OK\nLink: </style.css>; rel=preload\n\n"},
		Silent: Example{Response: "HTTP/1.1 200 OK\nLink: </style.css>; rel=preload; as=style\n\n"},
		find: perLink(func(_ *subject, l *link) (string, bool) {
			as, _ := l.param("as")
			return "", l.is("preload") && as == ""
		}),
	},
	{
		ID: "preload-as-unknown", Severity: Warn,
		Sentence: "a preload is for something that browsers do not know, and they do not load it",
		Clause:   "HTML", Remedy: "write style, script, font, image, fetch or track",
		Fires:  Example{Response: "HTTP/1.1 200 OK\nLink: </style.css>; rel=preload; as=css\n\n"},
		Silent: Example{Response: "HTTP/1.1 200 OK\nLink: </style.css>; rel=preload; as=Style\n\n"},
		find: perLink(func(_ *subject, l *link) (string, bool) {
			as, _ := l.param("as")
			return "", l.is("preload") && as != "" && !anyFold(preloadTypes, as)
		}),
	},
	{
		ID: "preload-font-without-crossorigin", Severity: Warn,
		Sentence: "a font is preloaded without crossorigin, so browsers load it twice",
		Clause:   "HTML", Remedy: "add crossorigin, also for fonts of the own origin",
		Fires:  Example{Response: "HTTP/1.1 200 OK\nLink: </a.woff2>; rel=preload; as=font\n\n"},
		Silent: Example{Response: "HTTP/1.1 200 OK\nLink: </a.woff2>; rel=preload; as=font; crossorigin\n\n"},
		find: perLink(func(_ *subject, l *link) (string, bool) {
			as, _ := l.param("as")
			_, cors := l.param("crossorigin")
			return "", l.is("preload") && strings.EqualFold(as, "font") && !cors
		}),
	},
	{
		ID: "preload-twice", Severity: Warn,
		Sentence: "the answer asks twice to preload the same thing",
		Clause:   "HTML", Remedy: "ask once; look for a second place that adds the link",
		Fires:  Example{Response: "HTTP/1.1 200 OK\nLink: </a.css>; rel=preload; as=style\nLink: </a.css>; rel=preload; as=style\n\n"},
		Silent: Example{Response: "HTTP/1.1 200 OK\nLink: </a.css>; rel=preload; as=style, </a.css>; rel=stylesheet\n\n"},
		find: func(x *subject, report func(where, detail string)) {
			seen := map[string]int{}
			for _, l := range parseLinks(x.lines("Link")) {
				_, media := l.param("media")
				if !l.broken && l.is("preload") && !media && l.target != "" {
					if seen[l.target]++; seen[l.target] == 2 {
						report(of("Link"), l.target)
					}
				}
			}
		},
	},
	{
		ID: "preload-of-itself", Severity: Warn, Relates: true,
		Sentence: "the answer asks to preload itself",
		Clause:   "HTML", Remedy: "leave the link out",
		Fires:  Example{Request: "GET http://example.com/a.css", Response: "HTTP/1.1 200 OK\nLink: </a.css>; rel=preload; as=style\n\n"},
		Silent: Example{Request: "GET http://example.com/", Response: "HTTP/1.1 200 OK\nLink: </a.css>; rel=preload; as=style\n\n"},
		find: perLink(func(x *subject, l *link) (string, bool) {
			u, ok := x.absolute(l.target)
			return "", ok && (l.is("preload") || l.is("modulepreload")) && x.target.Host != "" && u.String() == x.target.String()
		}),
	},
	{
		ID: "link-mixed-content", Severity: Warn, Relates: true,
		Sentence: "a page on https has browsers load something over http, which they block or change to https",
		Clause:   "Mixed Content", Remedy: "link to https",
		Fires:  Example{Request: "GET https://example.com/", Response: "HTTP/1.1 200 OK\nLink: <http://cdn.example/a.css>; rel=preload; as=style\n\n"},
		Silent: Example{Request: "GET https://example.com/", Response: "HTTP/1.1 200 OK\nLink: <http://example.org/>; rel=next\n\n"},
		find: perLink(func(x *subject, l *link) (string, bool) {
			return l.target, x.secure() && l.loads() && hasPrefixFold(l.target, "http://")
		}),
	},
	{
		ID: "preconnect-to-itself", Severity: Info, Relates: true,
		Sentence: "the answer asks to connect to the origin that it comes from",
		Clause:   "HTML", Remedy: "leave the link out",
		Fires:  Example{Request: "GET https://example.com/", Response: "HTTP/1.1 200 OK\nLink: <https://example.com>; rel=preconnect\n\n"},
		Silent: Example{Request: "GET https://example.com/", Response: "HTTP/1.1 200 OK\nLink: <https://example.com>; rel=preconnect; crossorigin\n\n"},
		find: perLink(func(x *subject, l *link) (string, bool) {
			u, ok := x.absolute(l.target)
			_, cors := l.param("crossorigin")
			same := ok && u.Scheme == x.target.Scheme && strings.EqualFold(u.Host, x.target.Host)
			return l.target, same && x.target.Host != "" && !cors && (l.is("preconnect") || l.is("dns-prefetch"))
		}),
	},
	{
		ID: "link-crossorigin-unknown", Severity: Warn,
		Sentence: "crossorigin of a link is neither anonymous nor use-credentials, and browsers take anonymous",
		Clause:   "HTML", Remedy: "write crossorigin alone, or crossorigin=use-credentials",
		Fires:  Example{Response: "HTTP/1.1 200 OK\nLink: </a.js>; rel=preload; as=script; crossorigin=true\n\n"},
		Silent: Example{Response: "HTTP/1.1 200 OK\nLink: </a.js>; rel=preload; as=script; crossorigin=\"anonymous\"\n\n"},
		find: perLink(func(_ *subject, l *link) (string, bool) {
			v, _ := l.param("crossorigin")
			return "", v != "" && !anyFold([]string{"anonymous", "use-credentials", "crossorigin"}, v)
		}),
	},
	{
		ID: "link-canonical-several", Severity: Warn,
		Sentence: "the answer names several canonical URLs, and search engines then heed none",
		Clause:   "RFC 6596 §3", Remedy: "name one",
		Fires:  Example{Response: "HTTP/1.1 200 OK\nLink: <https://example.com/a>; rel=canonical, <https://example.com/b>; rel=canonical\n\n"},
		Silent: Example{Response: "HTTP/1.1 200 OK\nLink: <https://example.com/a>; rel=canonical\n\n"},
		find: func(x *subject, report func(where, detail string)) {
			var targets []string
			for _, l := range parseLinks(x.lines("Link")) {
				if !l.broken && l.is("canonical") && !slices.Contains(targets, l.target) {
					targets = append(targets, l.target)
				}
			}
			if len(targets) > 1 {
				report(of("Link"), strings.Join(targets, " and "))
			}
		},
	},
	{
		ID: "early-hints-idle", Severity: Warn,
		Sentence: "an early answer has no link that a browser could follow early",
		Clause:   "RFC 8297 §2", Remedy: "send Link with rel=preload or rel=preconnect in it, or leave it out",
		Fires:  Example{Response: "HTTP/1.1 103 Early Hints\nLink: </next>; rel=next\n\n"},
		Silent: Example{Response: "HTTP/1.1 103 Early Hints\nLink: </a.css>; rel=preload; as=style\n\n"},
		find: func(x *subject, report func(where, detail string)) {
			useful := func(l link) bool { return l.is("preload") || l.is("modulepreload") || l.is("preconnect") }
			if x.Status == 103 && !slices.ContainsFunc(parseLinks(x.lines("Link")), useful) {
				report("the answer", "")
			}
		},
	},
}
