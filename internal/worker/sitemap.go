package worker

import (
	"bufio"
	"bytes"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"

	"freshet/internal/coding"
	"freshet/internal/field"
)

// Bounds of sitemaps: octets of one once it is decoded (as sitemaps.org has
// it), how deep they may list each other and their elements be nested, how many
// of them, and how long a URL is.
const (
	maxSitemap      = 50 << 20
	maxSitemapDepth = 3
	maxNested       = 16
	maxSitemaps     = 1000
	maxURL          = 8 << 10
)

// sitemap adds what a sitemap lists on its own host; depth counts those that
// led to it.
func (w *warming) sitemap(text string, depth int) error {
	if w.known[text] {
		return nil
	}
	w.known[text] = true // as a sitemap it is no URL to warm
	if w.sitemaps++; w.sitemaps > maxSitemaps {
		return fmt.Errorf("more than %d sitemaps", maxSitemaps)
	}
	base, err := url.Parse(text)
	if err != nil {
		return err
	}
	var pages, maps []string
	err = w.fetch(text, func(resp *http.Response) error {
		if resp.StatusCode != http.StatusOK {
			return fmt.Errorf("status %d", resp.StatusCode)
		}
		body, err := decoded(resp.Body)
		if err != nil {
			return err
		}
		defer body.Close()
		pages, maps, err = readSitemap(body, w.o.MaxURLs, maxSitemap)
		return err
	})
	if err != nil {
		return err
	}
	for _, page := range pages {
		if !w.sameHost(page, base) {
			continue
		}
		if err := w.add(page); err != nil {
			return err
		}
	}
	for _, inner := range maps {
		if !w.sameHost(inner, base) {
			continue
		}
		if depth+1 == maxSitemapDepth {
			return fmt.Errorf("sitemaps list each other more than %d deep", maxSitemapDepth)
		}
		if err := w.sitemap(inner, depth+1); err != nil {
			return fmt.Errorf("%s: %w", inner, err)
		}
	}
	return nil
}

// sameHost says whether a sitemap may list a URL; it counts those that it may
// not.
func (w *warming) sameHost(text string, base *url.URL) bool {
	u, err := url.Parse(text)
	if err == nil && checkURL(text) == nil && strings.EqualFold(u.Host, base.Host) {
		return true
	}
	w.leftOut++
	return false
}

// decoded undoes gzip, which sitemaps may come in as files.
func decoded(body io.Reader) (io.ReadCloser, error) {
	buffered := bufio.NewReader(body)
	if start, _ := buffered.Peek(2); bytes.Equal(start, []byte{0x1f, 0x8b}) {
		return coding.NewReader(field.Gzip, buffered)
	}
	return io.NopCloser(buffered), nil
}

// readSitemap reads the URLs of pages and of further sitemaps, most of them at
// most, of a text that has at most that many octets.
func readSitemap(r io.Reader, most int, octets int64) (pages, maps []string, err error) {
	bounded := &io.LimitedReader{R: r, N: octets}
	buffered := bufio.NewReader(bounded)
	if start, _ := buffered.Peek(512); !bytes.HasPrefix(bytes.TrimSpace(bytes.TrimPrefix(start, []byte("\xef\xbb\xbf"))), []byte("<")) {
		pages, err = readTextSitemap(buffered, most)
	} else {
		pages, maps, err = readXMLSitemap(buffered, most)
	}
	if bounded.N == 0 {
		err = fmt.Errorf("it is longer than %d bytes", octets)
	}
	return pages, maps, err
}

// readTextSitemap reads one URL a line.
func readTextSitemap(r io.Reader, most int) (pages []string, err error) {
	lines := bufio.NewScanner(r)
	lines.Buffer(nil, maxURL)
	for lines.Scan() {
		text := strings.TrimSpace(strings.TrimPrefix(lines.Text(), "\ufeff"))
		if text == "" {
			continue
		}
		if len(pages) == most {
			return pages, fmt.Errorf("more than %d URLs", most)
		}
		pages = append(pages, text)
	}
	return pages, lines.Err()
}

// readXMLSitemap reads urlset/url/loc and sitemapindex/sitemap/loc, whatever
// their name space; other elements say nothing to us.
func readXMLSitemap(r io.Reader, most int) (pages, maps []string, err error) {
	d := xml.NewDecoder(r)
	var path []string
	var loc []byte
	for {
		token, err := d.Token()
		if err == io.EOF {
			return pages, maps, nil
		}
		if err != nil {
			return pages, maps, err
		}
		switch token := token.(type) {
		case xml.StartElement:
			if path = append(path, token.Name.Local); len(path) > maxNested {
				return pages, maps, fmt.Errorf("elements are nested more than %d deep", maxNested)
			}
			loc = loc[:0]
		case xml.CharData:
			if len(path) == 3 && path[2] == "loc" {
				if loc = append(loc, token...); len(loc) > maxURL {
					return pages, maps, errors.New("a URL is too long")
				}
			}
		case xml.EndElement:
			text := strings.TrimSpace(string(loc))
			switch strings.Join(path, "/") {
			case "urlset/url/loc":
				pages = append(pages, text)
			case "sitemapindex/sitemap/loc":
				maps = append(maps, text)
			}
			if path = path[:len(path)-1]; len(pages)+len(maps) > most {
				return pages, maps, fmt.Errorf("more than %d URLs", most)
			}
		}
	}
}
