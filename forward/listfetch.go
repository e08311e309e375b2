package forward

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"

	"freshet/internal/coding"
	"freshet/internal/field"
)

// fetchTime bounds fetching one list.
const fetchTime = time.Minute

// Times after which a list that could not be fetched is tried again: the first
// one, doubled with each failure, up to the last.
const (
	firstRetry = time.Minute
	lastRetry  = time.Hour
)

// fetcher gets lists from addresses.
type fetcher struct {
	rt   http.RoundTripper
	name string
}

// fetched is an answer with a list; unchanged means that the edition that was
// told of is the newest.
type fetched struct {
	unchanged      bool
	text           string
	etag, modified string
}

// get asks for a list, with the validators of the edition that is there.
func (f *fetcher) get(ctx context.Context, address string, have *keptHead) (*fetched, error) {
	ctx, cancel := context.WithTimeout(ctx, fetchTime)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		return nil, err
	}
	req.Header.Set("Accept", "text/plain, */*;q=0.1")
	req.Header.Set("Accept-Encoding", "gzip, br, zstd")
	req.Header.Set("User-Agent", "freshet")
	if have.ETag != "" {
		req.Header.Set("If-None-Match", have.ETag)
	}
	if have.Modified != "" {
		req.Header.Set("If-Modified-Since", have.Modified)
	}
	c := http.Client{Transport: f.rt, CheckRedirect: sameSecurity}
	resp, err := c.Do(req)
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	switch {
	case resp.StatusCode == http.StatusNotModified && (have.ETag != "" || have.Modified != ""):
		return &fetched{unchanged: true}, nil
	case resp.StatusCode != http.StatusOK:
		return nil, fmt.Errorf("the answer is %s", resp.Status)
	}
	text, err := textOf(resp)
	if err != nil {
		return nil, err
	}
	return &fetched{text: text, etag: resp.Header.Get("Etag"), modified: resp.Header.Get("Last-Modified")}, nil
}

// sameSecurity follows redirects, but not from https to http.
func sameSecurity(req *http.Request, via []*http.Request) error {
	switch {
	case len(via) >= 5:
		return errors.New("too many redirects")
	case via[0].URL.Scheme == "https" && req.URL.Scheme != "https":
		return errors.New("it is redirected from https to http")
	}
	return nil
}

// textOf reads a list from an answer, and undoes its coding.
func textOf(resp *http.Response) (string, error) {
	if kind, _, _ := strings.Cut(resp.Header.Get("Content-Type"), ";"); field.EqualFold(strings.TrimSpace(kind), "text/html") {
		return "", errHTML
	}
	text, err := readAll(resp.Body)
	if err != nil {
		return "", err
	}
	name := strings.TrimSpace(resp.Header.Get("Content-Encoding"))
	c, ok := field.CodingNamed(name)
	if !ok && name != "" {
		return "", fmt.Errorf("it came in the coding %q", name)
	}
	if c != field.Identity {
		b, err := coding.Decode(c, []byte(text), maxList)
		if err != nil {
			return "", err
		}
		text = string(b)
	}
	return text, checkText(text)
}

var (
	errHTML    = errors.New("it is an HTML page, not a list")
	errEmpty   = errors.New("there are no rules in it")
	errTooLong = fmt.Errorf("it has more than %d MiB", maxList>>20)
)

// checkText refuses what can be no list: what a login page of a hotel, a server
// that is being mended or a download that broke off leave.
func checkText(text string) error {
	start := strings.TrimLeft(strings.TrimPrefix(text, "\ufeff"), " \t\r\n")
	if start = strings.ToLower(start[:min(len(start), 64)]); strings.HasPrefix(start, "<!doctype") || strings.HasPrefix(start, "<html") || strings.HasPrefix(start, "<?xml") {
		return errHTML
	}
	for line := range strings.Lines(text) {
		if line = strings.TrimSpace(line); line != "" && !strings.HasPrefix(line, "!") && !strings.HasPrefix(line, "# ") && !strings.HasPrefix(line, "[") {
			return nil
		}
	}
	return errEmpty
}

func readAll(r io.Reader) (string, error) {
	var b strings.Builder
	n, err := io.Copy(&b, io.LimitReader(r, maxList+1))
	switch {
	case err != nil:
		return "", err
	case n > maxList:
		return "", errTooLong
	}
	return b.String(), nil
}

// fetch asks for a list and reports whether there is a new edition. The caller
// holds lists.loading, or is alone.
func (l *lists) fetch(ctx context.Context, k *followed) bool {
	got, err := l.fetcher.get(ctx, k.source.URL, &k.kept)
	if ctx.Err() != nil {
		return false
	}
	now := l.now()
	if err != nil {
		l.fail(k, err)
		k.due = now.Add(min(firstRetry<<min(k.failed-1, 10), lastRetry))
		l.tell(k, func(s *ListState) { s.Next = k.due })
		return false
	}
	k.kept.Checked = now.Unix()
	if got.unchanged || k.loaded && got.text == k.text {
		k.failed = 0
		k.due = l.dueAfter(k, k.state.Info.Expires)
		l.tell(k, func(s *ListState) { s.Looked, s.Next, s.Error = now, k.due, "" })
		if !got.unchanged {
			k.kept.ETag, k.kept.Modified = got.etag, got.modified
		}
		l.keep(k)
		return false
	}
	l.take(k, got.text)
	k.kept = keptHead{URL: k.source.URL, ETag: got.etag, Modified: got.modified, Fetched: now.Unix(), Checked: now.Unix()}
	l.keep(k)
	return true
}

// dueAfter says when a list is to be asked for again: as it wants, within bounds,
// or as the options say.
func (l *lists) dueAfter(k *followed, expires time.Duration) time.Time {
	if expires == 0 {
		expires = l.refresh
	}
	return time.Unix(k.kept.Checked, 0).Add(min(max(expires, leastRefresh), mostRefresh))
}
