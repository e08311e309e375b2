package app

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"freshet/internal/field"
)

// Beside a file that is not complete, NAME.freshet-part, is one that says what
// it is a part of. Without that nothing is joined to it.
const (
	partSuffix  = ".freshet-part"
	aboutSuffix = ".freshet-about"
)

// getAbout is what the second file says.
type getAbout struct {
	URL          string `json:"url"`
	ETag         string `json:"etag,omitempty"`          // a strong one
	LastModified string `json:"last_modified,omitempty"` // one that is as good
	Length       int64  `json:"length"`                  // of the whole; -1 when it is not known
}

// maxAbout bounds the file, in bytes.
const maxAbout = 64 << 10

// aboutOf is what an answer is known again by; nil if there is nothing that two
// contents cannot share.
func aboutOf(url string, resp *http.Response) *getAbout {
	if resp.Header.Get("Content-Encoding") != "" || resp.Uncompressed {
		return nil
	}
	a := &getAbout{URL: url, Length: resp.ContentLength}
	if resp.StatusCode == http.StatusPartialContent {
		_, _, a.Length, _ = contentRange(resp.Header.Get("Content-Range"))
	}
	if tag := resp.Header.Get("Etag"); tag != "" {
		if strings.HasPrefix(tag, "W/") || !field.ValidTag(tag) {
			return nil
		}
		a.ETag = tag
		return a
	}
	// RFC 9110 §8.8.2.2: a date is strong when the content had been as it is for
	// a while.
	modified, ok1 := field.ParseDate(resp.Header.Get("Last-Modified"))
	date, ok2 := field.ParseDate(resp.Header.Get("Date"))
	if !ok1 || !ok2 || date-modified < int64(strongAfter/time.Second) {
		return nil
	}
	a.LastModified = resp.Header.Get("Last-Modified")
	return a
}

// strongAfter is how much older than the answer a content has to be for its date
// to tell it from others.
const strongAfter = time.Minute

// validator is the value of If-Range.
func (a *getAbout) validator() string {
	if a.ETag != "" {
		return a.ETag
	}
	return a.LastModified
}

// fits reports whether a part is of the same content.
func (a *getAbout) fits(resp *http.Response) bool {
	if resp.Header.Get("Content-Encoding") != "" {
		return false
	}
	if a.ETag != "" {
		return resp.Header.Get("Etag") == a.ETag
	}
	modified := resp.Header.Get("Last-Modified")
	return modified == "" || modified == a.LastModified // If-Range has said it
}

// save writes the file about a part.
func (a *getAbout) save(name string) error {
	text, err := json.Marshal(a)
	if err != nil {
		return err
	}
	os.Remove(name)                                                          // which may be a link that somebody else has made
	file, err := os.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600) // a URL may have a secret in it
	if err != nil {
		return err
	}
	_, err = file.Write(text)
	return errors.Join(err, file.Close())
}

// readAbout reads it; nil without one that is whole.
func readAbout(name string) *getAbout {
	info, err := os.Stat(name)
	if err != nil || info.Size() > maxAbout {
		return nil
	}
	text, err := os.ReadFile(name)
	a := &getAbout{}
	if err != nil || json.Unmarshal(text, a) != nil || a.validator() == "" {
		return nil
	}
	return a
}

// getResume is a fetch that goes on where another one ended, or that is to be
// made of parts.
type getResume struct {
	on    bool // the cache is passed
	from  int64
	about *getAbout // of what there is; nil when the command line says where to go on
	named string    // a file that may be complete; "" for a part
}

// ask makes a request one for what is missing.
func (r *getResume) ask(req *http.Request) {
	if !r.on {
		return
	}
	req.Header.Set("Accept-Encoding", "identity")
	if r.from == 0 {
		return
	}
	req.Header.Set("Range", "bytes="+strconv.FormatInt(r.from, 10)+"-")
	if r.about != nil {
		req.Header.Set("If-Range", r.about.validator())
	}
}

// prepare finds out where to go on.
func (f *fetch) prepareResume() error {
	c := f.conf
	f.resume = getResume{on: c.Parallel > 1 && f.out.name != ""}
	if c.Continue == "" {
		return nil
	}
	f.resume.on = true
	if f.firstHop().method != http.MethodGet {
		return getFaultf(exitUsage, "--continue-at is for GET; leave it out")
	}
	if f.out.name == "" {
		if c.Continue == "-" {
			return getFaultf(getBadResume, "--continue-at - goes on with a file; name it with --output")
		}
		f.resume.from, _ = strconv.ParseInt(c.Continue, 10, 64)
		return nil
	}
	final := f.out.name
	if real, err := filepath.EvalSymlinks(final); err == nil {
		final = real
	}
	from, about := partOf(final, f.first.String())
	if c.Continue != "-" {
		want, _ := strconv.ParseInt(c.Continue, 10, 64)
		switch {
		case want == 0:
			return nil
		case about == nil || from < want:
			return getFaultf(getBadResume, "%s%s has not %d bytes that are known to be of this URL; leave out --continue-at", final, partSuffix, want)
		}
		from = want
	}
	if about == nil {
		switch {
		case exists(final + partSuffix):
			f.tell("nothing says that %s%s is a part of this URL; it is fetched anew", final, partSuffix)
		default:
			if f.resume.from = wholeAlready(final); f.resume.from > 0 {
				f.resume.named = final
			}
		}
		return nil
	}
	if from == about.Length {
		from-- // nothing is no part that one can ask for
	}
	f.resume.from, f.resume.about = from, about
	return nil
}

func exists(name string) bool {
	_, err := os.Lstat(name)
	return err == nil
}

// partOf returns how much there is of a file, and what that is a part of; nil
// if that is not known, or it is of something else.
func partOf(final, url string) (int64, *getAbout) {
	info, err := os.Stat(final + partSuffix)
	about := readAbout(final + aboutSuffix)
	if err != nil || !info.Mode().IsRegular() || info.Size() == 0 || about == nil || about.URL != url || about.Length >= 0 && info.Size() > about.Length {
		return 0, nil
	}
	return info.Size(), about
}

// errAnew ends a try that has to begin at the first byte.
var errAnew = errors.New("it is fetched anew")

// resumed looks at the answer to a request for what is missing. It may be the
// whole, which is taken then.
func (f *fetch) resumed(resp *http.Response) error {
	r := &f.resume
	if r.from == 0 {
		return nil
	}
	if r.named != "" {
		return f.wholeOrAnew(resp)
	}
	first, _, total, ok := contentRange(resp.Header.Get("Content-Range"))
	switch code := resp.StatusCode; {
	case code == http.StatusPartialContent && ok && first == r.from && (r.about == nil || r.about.fits(resp) && (r.about.Length < 0 || total < 0 || total == r.about.Length)):
		return nil
	case code == http.StatusPartialContent && r.about == nil:
		return getFaultf(getNoRange, "the server has sent another part than the one that was asked for")
	case code == http.StatusPartialContent:
		f.anew("the server has sent a part of something else")
		return errAnew
	case code == http.StatusRequestedRangeNotSatisfiable:
		if r.about != nil && contentLengthIn(resp) == r.from && (resp.Header.Get("Etag") == "" || r.about.fits(resp)) {
			completePart(resp)
			return nil
		}
		if r.about == nil {
			return getFaultf(getNoRange, "the content has no more than %d bytes", r.from)
		}
		f.anew("the content has become shorter")
		return errAnew
	case code == http.StatusOK && r.about == nil:
		return getFaultf(getNoRange, "the server sends no parts of this")
	case code == http.StatusOK:
		f.anew("the content has changed, or the server sends no parts of it")
		return nil
	}
	return getFaultf(getHTTPError, "the answer is %s; what there is is kept", getStatusText(resp))
}

func (f *fetch) anew(why string) {
	f.tell("%s; it is fetched anew", why)
	f.resume.from, f.resume.about, f.resume.named = 0, nil, ""
}

// goOn makes the next try go on with what this one has left, if it is known
// what that is.
func (f *fetch) goOn() {
	if f.out.final == "" || f.out.field || f.conf.Heads || f.conf.Range != "" || f.firstHop().method != http.MethodGet {
		return
	}
	from, about := partOf(f.out.final, f.first.String())
	if f.resume.named != "" && about == nil {
		return // no part has come: it may be complete still
	}
	if about == nil || from == about.Length {
		f.resume = getResume{on: f.resume.on}
		return
	}
	f.resume = getResume{on: true, from: from, about: about}
}

// contentRange reads Content-Range: bytes first-last/total; total is -1 for "*".
func contentRange(value string) (first, last, total int64, ok bool) {
	rest, isBytes := strings.CutPrefix(value, "bytes ")
	span, size, has := strings.Cut(rest, "/")
	a, b, two := strings.Cut(span, "-")
	if !isBytes || !has || !two {
		return 0, 0, -1, false
	}
	digits := func(s string) (int64, bool) {
		n, err := strconv.ParseUint(s, 10, 63)
		return int64(n), err == nil
	}
	first, ok1 := digits(a)
	last, ok2 := digits(b)
	total, ok3 := digits(size)
	if size == "*" {
		total, ok3 = -1, true
	}
	if !ok1 || !ok2 || !ok3 || last < first || total >= 0 && last >= total {
		return 0, 0, -1, false
	}
	return first, last, total, true
}

// leftBehind says what has become of a file that is not complete.
func (o *getOutput) leftBehind() {
	if o.part == "" || !o.opened {
		return
	}
	info, err := os.Stat(o.part)
	if err != nil {
		return
	}
	if info.Size() == 0 {
		os.Remove(o.part)
		return
	}
	text := fmt.Sprintf("what has come is in %s", o.part)
	if readAbout(o.final+aboutSuffix) != nil {
		text += "; --continue-at - goes on with it"
	}
	o.g.tell("%s", text)
}
