package check

import (
	"bytes"
	"context"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"net/url"
	"strings"

	"freshet/internal/coding"
	"freshet/internal/field"
)

// The bounds of sitemaps: sitemaps.org has 50,000 addresses and 50 MB a file.
const (
	maxSitemapBytes = 50 << 20
	maxSitemaps     = 100   // files that one index leads to
	maxSitemapDepth = 3     // of indexes in indexes
	maxSitemapURLs  = 50000 // addresses in all; more are left out
)

// ErrNoSitemap is returned for what is something else.
var ErrNoSitemap = errors.New("it is no sitemap")

// ParseSitemap reads a sitemap: the addresses of pages, or those of further
// sitemaps. It may be XML, XML in gzip, or plain text with one address a line. What
// is no address of http or https is left out, and so are addresses beyond the
// first 50,000; a file larger than 50 MiB is an error.
func ParseSitemap(data []byte) (pages, sitemaps []*url.URL, err error) {
	if bytes.HasPrefix(data, []byte{0x1f, 0x8b}) {
		if data, err = coding.Decode(field.Gzip, data, maxSitemapBytes); err != nil {
			return nil, nil, err
		}
	}
	if len(data) > maxSitemapBytes {
		return nil, nil, fmt.Errorf("a sitemap has at most %d MiB", maxSitemapBytes>>20)
	}
	data = bytes.TrimPrefix(data, []byte("\xef\xbb\xbf"))
	if trimmed := bytes.TrimLeft(data, " \t\r\n"); len(trimmed) == 0 || trimmed[0] != '<' {
		return sitemapText(trimmed)
	}
	return sitemapXML(data)
}

// sitemapText reads addresses, one a line.
func sitemapText(data []byte) (pages, sitemaps []*url.URL, err error) {
	for line := range bytes.Lines(data) {
		line = bytes.TrimSpace(line)
		if len(line) == 0 || len(pages) == maxSitemapURLs {
			continue
		}
		u := sitemapURL(string(line))
		if u == nil {
			return nil, nil, ErrNoSitemap
		}
		pages = append(pages, u)
	}
	if len(pages) == 0 {
		return nil, nil, ErrNoSitemap
	}
	return pages, nil, nil
}

func sitemapXML(data []byte) (pages, sitemaps []*url.URL, err error) {
	d := xml.NewDecoder(bytes.NewReader(data))
	d.CharsetReader = func(_ string, in io.Reader) (io.Reader, error) { return in, nil }
	var path []string // of open elements
	var text strings.Builder
	for {
		token, err := d.Token()
		if err == io.EOF && len(path) == 0 && path != nil {
			return pages, sitemaps, nil
		}
		if err != nil {
			if path == nil {
				return nil, nil, ErrNoSitemap
			}
			return nil, nil, fmt.Errorf("read the sitemap: %w", noEnd(err))
		}
		switch t := token.(type) {
		case xml.StartElement:
			if path == nil && t.Name.Local != "urlset" && t.Name.Local != "sitemapindex" {
				return nil, nil, ErrNoSitemap
			}
			if len(path) > 16 {
				return nil, nil, fmt.Errorf("read the sitemap: its elements are nested too deep")
			}
			path = append(path, t.Name.Local)
			text.Reset()
		case xml.CharData:
			if text.Len()+len(t) <= 4096 {
				text.Write(t)
			}
		case xml.EndElement:
			if len(path) == 3 && path[2] == "loc" {
				switch u := sitemapURL(text.String()); {
				case u == nil:
				case path[0] == "urlset" && path[1] == "url" && len(pages) < maxSitemapURLs:
					pages = append(pages, u)
				case path[0] == "sitemapindex" && path[1] == "sitemap" && len(sitemaps) < maxSitemaps:
					sitemaps = append(sitemaps, u)
				}
			}
			path = path[:len(path)-1]
			text.Reset()
		}
	}
}

func noEnd(err error) error {
	if err == io.EOF {
		return io.ErrUnexpectedEOF
	}
	return err
}

// sitemapURL reads an address, which is absolute; nil if it is none.
func sitemapURL(text string) *url.URL {
	u, err := url.Parse(strings.TrimSpace(text))
	if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" {
		return nil
	}
	return normalised(u)
}

// Sitemap returns the pages that a sitemap names, and those of the sitemaps
// that it names, once each. Its error is [ErrNoSitemap] when the address is
// something else. At most 100 files and 50,000 pages are read; the rest is left
// out.
func (c *Checker) Sitemap(ctx context.Context, u *url.URL) ([]*url.URL, error) {
	s := &sitemapReader{client: newClient(&c.o), ctx: ctx, seen: map[string]bool{}}
	defer s.client.close()
	o := c.o
	o.MaxBody = maxSitemapBytes
	s.client.Options = &o
	err := s.read(normalised(u), 0)
	return s.pages, err
}

// Pages returns what [Checker.Sitemap] does for the text of a sitemap.
func (c *Checker) Pages(ctx context.Context, sitemap []byte) ([]*url.URL, error) {
	s := &sitemapReader{client: newClient(&c.o), ctx: ctx, seen: map[string]bool{}}
	defer s.client.close()
	err := s.take(sitemap, 0)
	return s.pages, err
}

type sitemapReader struct {
	client *client
	ctx    context.Context
	files  int
	seen   map[string]bool
	pages  []*url.URL
}

// read fetches a sitemap; redirects are followed.
func (s *sitemapReader) read(u *url.URL, depth int) error {
	if s.seen[u.String()] || s.files == maxSitemaps || depth > maxSitemapDepth {
		return nil
	}
	s.seen[u.String()] = true
	s.files++
	for range 5 {
		r, err := s.client.do(s.ctx, probe{url: u})
		if err != nil {
			return err
		}
		if to, err := u.Parse(r.get("Location")); r.Status/100 == 3 && r.get("Location") != "" && err == nil && (to.Scheme == "http" || to.Scheme == "https") {
			u = normalised(to)
			continue
		}
		data, ok := r.decoded()
		switch {
		case r.Status != 200:
			return fmt.Errorf("%s: the answer is %d: %w", u, r.Status, ErrNoSitemap)
		case !ok:
			return fmt.Errorf("%s: it cannot be read as a whole", u)
		}
		return s.take(data, depth)
	}
	return fmt.Errorf("%s: there are too many redirects", u)
}

func (s *sitemapReader) take(data []byte, depth int) error {
	pages, more, err := ParseSitemap(data)
	if err != nil {
		return err
	}
	for _, u := range pages {
		if key := u.String(); !s.seen[key] && len(s.pages) < maxSitemapURLs {
			s.seen[key] = true
			s.pages = append(s.pages, u)
		}
	}
	for _, u := range more {
		if err := s.read(u, depth+1); err != nil {
			return err
		}
	}
	return nil
}
