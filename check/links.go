package check

import (
	"html"
	"net/url"
	"slices"
	"strings"
)

// Links returns the http and https addresses that a page links to or loads,
// once each, in the order of the page and without fragments. base is the
// address of the page.
//
// It reads HTML as far as links need: tags and their attributes; comments, and
// what scripts, styles and text areas hold, are passed over. It takes any bytes
// in time that grows with their number.
func Links(page []byte, base *url.URL) []*url.URL {
	s := linkScanner{text: string(page), base: base, seen: map[string]bool{}}
	s.scan()
	return s.found
}

type linkScanner struct {
	text  string // what is left
	base  *url.URL
	fixed bool // a base element was met
	seen  map[string]bool
	found []*url.URL
}

// linkAttributes are the attributes that hold an address, by element.
var linkAttributes = map[string][]string{
	"a": {"href"}, "area": {"href"}, "link": {"href"},
	"script": {"src"}, "img": {"src", "srcset"}, "source": {"src", "srcset"}, "iframe": {"src"}, "frame": {"src"},
	"audio": {"src"}, "video": {"src", "poster"}, "track": {"src"}, "embed": {"src"}, "object": {"data"}, "input": {"src"},
	"image": {"href", "xlink:href"}, "use": {"href", "xlink:href"},
}

// rawText are the elements whose content is text up to their end tag.
var rawText = []string{"script", "style", "textarea", "title", "noframes", "xmp", "iframe", "noembed"}

func (s *linkScanner) scan() {
	for {
		i := strings.IndexByte(s.text, '<')
		if i < 0 {
			return
		}
		s.text = s.text[i+1:]
		switch {
		case strings.HasPrefix(s.text, "!--"):
			s.text = after(s.text[1:], "-->")
		case s.text == "" || !isLetter(s.text[0]):
			// An end tag, a declaration, or text.
		default:
			s.tag()
		}
	}
}

// after returns what stands behind the first mark; nothing without one.
func after(s, mark string) string {
	_, rest, _ := strings.Cut(s, mark)
	return rest
}

// tag reads a start tag from its name on.
func (s *linkScanner) tag() {
	name := s.word(" \t\n\r\f/>")
	wanted := linkAttributes[name]
	attributes := map[string]string{}
	for {
		s.text = strings.TrimLeft(s.text, " \t\n\r\f/")
		if s.text == "" {
			return // cut off: no tag
		}
		if s.text[0] == '>' {
			s.text = s.text[1:]
			break
		}
		key, value := s.attribute()
		if _, twice := attributes[key]; !twice && (slices.Contains(wanted, key) || key == "rel" || key == "href") {
			attributes[key] = value
		}
	}
	if name == "base" && !s.fixed {
		if u, err := s.base.Parse(strings.TrimSpace(attributes["href"])); err == nil && attributes["href"] != "" {
			s.base, s.fixed = u, true
		}
	}
	if !isConnectionHint(attributes["rel"]) {
		for _, key := range wanted {
			s.attributeLinks(key, attributes[key])
		}
	}
	if slices.Contains(rawText, name) {
		s.skipRawText(name)
	}
}

// isConnectionHint reports whether a link names a host, and no resource.
func isConnectionHint(rel string) bool {
	rel = strings.ToLower(rel)
	return strings.Contains(rel, "dns-prefetch") || strings.Contains(rel, "preconnect")
}

// word takes what stands before any of the marks, in lower case.
func (s *linkScanner) word(marks string) string {
	end := strings.IndexAny(s.text, marks)
	if end < 0 {
		end = len(s.text)
	}
	word := strings.ToLower(s.text[:end])
	s.text = s.text[end:]
	return word
}

// attribute takes a name and its value.
func (s *linkScanner) attribute() (key, value string) {
	first := s.text[:1] // "=" may begin a name
	s.text = s.text[1:]
	key = strings.ToLower(first) + s.word(" \t\n\r\f/>=")
	rest := strings.TrimLeft(s.text, " \t\n\r\f")
	if rest == "" || rest[0] != '=' {
		return key, ""
	}
	s.text = strings.TrimLeft(rest[1:], " \t\n\r\f")
	if s.text == "" {
		return key, ""
	}
	if quote := s.text[:1]; quote == `"` || quote == "'" {
		value, s.text, _ = strings.Cut(s.text[1:], quote)
		return key, html.UnescapeString(value)
	}
	end := strings.IndexAny(s.text, " \t\n\r\f>")
	if end < 0 {
		end = len(s.text)
	}
	value, s.text = s.text[:end], s.text[end:]
	return key, html.UnescapeString(value)
}

// skipRawText goes to the end tag of an element; to the end without one.
func (s *linkScanner) skipRawText(name string) {
	for {
		i := strings.Index(s.text, "</")
		if i < 0 {
			s.text = ""
			return
		}
		s.text = s.text[i+2:]
		if len(s.text) >= len(name) && strings.EqualFold(s.text[:len(name)], name) {
			return
		}
	}
}

// attributeLinks takes the addresses of an attribute: one, or those of srcset.
func (s *linkScanner) attributeLinks(key, value string) {
	if key != "srcset" {
		s.link(value)
		return
	}
	for candidate := range strings.SplitSeq(value, ",") {
		if parts := strings.Fields(candidate); len(parts) > 0 {
			s.link(parts[0])
		}
	}
}

func (s *linkScanner) link(text string) {
	text = strings.Trim(text, " \t\n\r\f")
	if text == "" || text[0] == '#' || strings.HasPrefix(strings.ToLower(text), "data:") {
		return
	}
	u, err := s.base.Parse(text)
	if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" {
		return
	}
	u = normalised(u)
	if key := u.String(); !s.seen[key] {
		s.seen[key] = true
		s.found = append(s.found, u)
	}
}

func isLetter(c byte) bool { return c|0x20 >= 'a' && c|0x20 <= 'z' }
