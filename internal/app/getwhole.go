package app

import (
	"errors"
	"net/http"
	"os"
	"strconv"
	"strings"
)

// A file that has its name may be complete, or something else: nothing is noted
// about it. The server is asked for what would follow. If it says that its content
// ends where the file does (RFC 9110 §15.5.17), there is nothing to fetch; what
// else it says cannot be joined to the file, which is fetched anew then.

// errWhole ends a try that finds that there is nothing missing.
var errWhole = errors.New("it is complete")

// wholeAlready is the length of a file that may be complete; 0 for none.
func wholeAlready(name string) int64 {
	if info, err := os.Stat(name); err == nil && info.Mode().IsRegular() {
		return info.Size()
	}
	return 0
}

// contentLengthIn is the length of the content that a 416 tells in Content-Range;
// -1 if it does not.
func contentLengthIn(resp *http.Response) int64 {
	size, ok := strings.CutPrefix(resp.Header.Get("Content-Range"), "bytes */")
	n, err := strconv.ParseUint(size, 10, 63)
	if !ok || err != nil || resp.StatusCode != http.StatusRequestedRangeNotSatisfiable {
		return -1
	}
	return int64(n)
}

// wholeOrAnew looks at the answer to a request for what follows a file.
func (f *fetch) wholeOrAnew(resp *http.Response) error {
	r := &f.resume
	switch code := resp.StatusCode; {
	case contentLengthIn(resp) == r.from:
		if f.newDigest(unvouched(resp)).verify(r.named) != nil {
			f.anew(r.named + " is as long as the content, and not what --sha256 says")
			return errAnew
		}
		f.tell("%s is complete: it has %d bytes, as many as there are", r.named, r.from)
		f.stats.file = r.named
		return errWhole
	case code == http.StatusOK, code == http.StatusPartialContent, code == http.StatusRequestedRangeNotSatisfiable:
		f.anew("nothing says that " + r.named + " is a part of this URL")
		if code != http.StatusOK {
			return errAnew
		}
		return nil
	}
	return getFaultf(getHTTPError, "the answer is %s; what there is is kept", getStatusText(resp))
}

// unvouched returns an answer without the digests of its own body.
func unvouched(resp *http.Response) *http.Response {
	out := *resp
	out.Header = resp.Header.Clone()
	delete(out.Header, "Repr-Digest")
	delete(out.Header, "Content-Digest")
	return &out
}

// completePart makes a 416 that says that a part is the whole an answer with what
// is missing, which is nothing.
func completePart(resp *http.Response) {
	resp.Header = unvouched(resp).Header
	resp.Body.Close()
	resp.Body, resp.ContentLength = http.NoBody, 0
}
