package app

import (
	"encoding/hex"
	"errors"
	"io"
	"net/http"
	"os"
	"strings"

	"freshet/digest"
)

// getDigest is what a content has to be, beyond what the transport sees to: it
// compares each answer with the digests of that. nil is anything.
type getDigest struct {
	check digest.Checker
	whole bool // all was added as it came; else the file is read
}

// newDigest finds what the body of an answer has to be: what the command line
// says and, where the file is put together of several answers, what one of them
// says of it all (RFC 9530), as it is coded.
func (f *fetch) newDigest(resp *http.Response) *getDigest {
	joined := f.resume.from > 0 || f.inParts
	d := &getDigest{whole: !joined}
	if f.conf.SHA256 != "" {
		if sum, err := hex.DecodeString(f.conf.SHA256); err == nil {
			d.check.Add("--sha256", digest.FromSum(digest.SHA256, sum))
		}
	}
	if said, err := digest.Parse(resp.Header["Repr-Digest"]); joined && err == nil {
		d.check.Add("Repr-Digest", said.Digests...)
	}
	if d.check.Idle() || !d.whole && f.out.name == "" {
		return nil // or it is not all here
	}
	return d
}

// notCompared says of which digests of an answer nothing can be compared, and why:
// somebody who sees the field may think that it was.
func notCompared(method string, resp *http.Response) (all []string) {
	content, repr := digest.Applies(method, resp.StatusCode)
	for _, f := range []struct {
		name    string
		applies bool
	}{{"Content-Digest", content}, {"Repr-Digest", repr}} {
		lines := resp.Header[f.name]
		if !f.applies || len(lines) == 0 {
			continue
		}
		said, err := digest.Parse(lines)
		if err == nil && len(said.Digests) == 0 {
			err = errors.Join(said.Ignored...)
		}
		if err != nil {
			all = append(all, f.name+" is not compared: "+strings.ReplaceAll(err.Error(), "\n", "; "))
		}
	}
	for _, name := range []string{"Digest", "Content-Md5"} {
		if content && len(resp.Header[name]) > 0 {
			all = append(all, name+" is not compared: Content-Digest and Repr-Digest have taken its place (RFC 9530)")
		}
	}
	return all
}

// add adds what has come.
func (d *getDigest) add(p []byte) {
	if d != nil && d.whole {
		d.check.Write(p)
	}
}

// verify compares. name is the file, which is read if not all was added.
func (d *getDigest) verify(name string) error {
	if d == nil {
		return nil
	}
	if !d.whole {
		f, err := os.Open(name)
		if err != nil {
			return getFaultf(getReadError, "read %s: %w", name, cause(err))
		}
		defer f.Close()
		d.check.Reset()
		if _, err := io.Copy(&d.check, f); err != nil {
			return getFaultf(getReadError, "read %s: %w", name, cause(err))
		}
	}
	if err := d.check.Verdict().Err(); err != nil {
		return &getFault{getWrongDigest, err}
	}
	return nil
}

// wrongContent returns the fault of an answer that ended because it is not what
// it says of itself; nil for others.
func wrongContent(err error) error {
	var wrong *digest.Error
	if !errors.As(err, &wrong) {
		return nil
	}
	return &getFault{getWrongDigest, wrong}
}
