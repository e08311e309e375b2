package client

import (
	"io"
	"net/http"

	"freshet/digest"
)

// ask has Base send a request, signed if it is to be, and has the body of the answer compared with the
// digests that it comes with.
func (t *Transport) ask(req *http.Request) (*http.Response, error) {
	req, err := t.signed(req)
	if err != nil {
		return nil, err
	}
	resp, err := t.base().RoundTrip(req)
	if err == nil {
		verifyDigests(req.Method, resp)
	}
	return resp, err
}

// digestFields are the fields that say what a body has to be.
var digestFields = [...]string{"Content-Digest", "Repr-Digest"}

// verifyDigests has the body of an answer compared with what its head and its
// trailers say. A field that is malformed says nothing. What Base has decoded is
// not what digests are of.
func verifyDigests(method string, resp *http.Response) {
	if method == "" {
		method = http.MethodGet
	}
	content, repr := digest.Applies(method, resp.StatusCode)
	if !content || resp.Uncompressed || resp.Body == nil {
		return
	}
	b := &digestedBody{ReadCloser: resp.Body, resp: resp, left: resp.ContentLength}
	trailers := false
	for i, name := range digestFields {
		if b.applies[i] = i == 0 || repr; !b.applies[i] {
			continue
		}
		b.add(name, resp.Header[name])
		_, announced := resp.Trailer[name]
		trailers = trailers || announced
	}
	if trailers {
		b.check.Expect(digest.SHA256, digest.SHA512)
		b.trailers = true
	}
	switch {
	case resp.Body == http.NoBody && b.check.Verdict().Outcome != digest.Wrong, b.check.Idle() && !trailers:
		return // it stays what others look for
	}
	resp.Body = b
}

// digestedBody is a body that is compared with digests as it is read.
type digestedBody struct {
	io.ReadCloser
	resp     *http.Response
	check    digest.Checker
	applies  [len(digestFields)]bool
	trailers bool  // more digests may come behind the body
	left     int64 // until its end; negative when that is not known
	err      error
}

func (b *digestedBody) add(from string, lines []string) {
	if len(lines) == 0 {
		return
	}
	if f, err := digest.Parse(lines); err == nil {
		b.check.Add(from, f.Digests...)
	}
}

// Read implements io.Reader. The last bytes of a body come when it has been
// compared with what its head says (its trailers are compared at its end), so that nobody who stops at its length has a wrong one as a whole.
func (b *digestedBody) Read(p []byte) (int, error) {
	if b.err != nil {
		return 0, b.err
	}
	n, err := b.ReadCloser.Read(p)
	b.check.Write(p[:n])
	if b.left > 0 {
		b.left -= int64(n)
	}
	if err == io.EOF && b.trailers {
		for i, name := range digestFields {
			if b.applies[i] {
				b.add(name, b.resp.Trailer[name])
			}
		}
	}
	if err == io.EOF && b.left <= 0 || err == nil && b.left == 0 && n > 0 {
		if wrong := b.check.Verdict().Err(); wrong != nil {
			n, err = 0, wrong
		}
	}
	b.err = err
	return n, err
}
