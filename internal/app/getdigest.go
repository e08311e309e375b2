package app

import (
	"bytes"
	"crypto/sha256"
	"crypto/sha512"
	"encoding/base64"
	"encoding/hex"
	"hash"
	"io"
	"net/http"
	"os"

	"freshet/internal/field"
)

// getDigest is what a content has to be. nil is anything.
type getDigest struct {
	wanted []wantedSum
	sums   map[string]hash.Hash // by algorithm
	whole  bool                 // all was added as it came; else the file is read
}

type wantedSum struct {
	from, algorithm string
	sum             []byte
}

// newSum returns a hash of an algorithm of RFC 9530 that is trusted, nil for
// others.
func newSum(algorithm string) hash.Hash {
	switch algorithm {
	case "sha-256":
		return sha256.New()
	case "sha-512":
		return sha512.New()
	}
	return nil
}

// newDigest finds what the body of an answer has to be: what the command line
// says, and what the answer says itself (RFC 9530), which is about the whole
// representation, as it is coded.
func (f *fetch) newDigest(resp *http.Response) *getDigest {
	d := &getDigest{sums: map[string]hash.Hash{}, whole: f.resume.from == 0}
	if f.conf.SHA256 != "" {
		sum, err := hex.DecodeString(f.conf.SHA256)
		if err == nil {
			d.wanted = append(d.wanted, wantedSum{"--sha256", "sha-256", sum})
		}
	}
	part := resp.StatusCode == http.StatusPartialContent
	if !resp.Uncompressed && (!part || f.resume.from > 0) {
		d.said("Repr-Digest", resp.Header)
	}
	if !resp.Uncompressed && !part {
		d.said("Content-Digest", resp.Header)
	}
	if len(d.wanted) == 0 || !d.whole && f.out.name == "" {
		return nil // or it is not all here
	}
	for _, w := range d.wanted {
		if d.sums[w.algorithm] == nil {
			d.sums[w.algorithm] = newSum(w.algorithm)
		}
	}
	return d
}

// said adds what a field says. One that is not well formed says nothing.
func (d *getDigest) said(name string, h http.Header) {
	members, ok := field.ParseDictionary(h[name])
	if !ok {
		return
	}
	for _, m := range members {
		if m.Kind != field.Bytes || newSum(m.Key) == nil {
			continue
		}
		if sum, err := base64.StdEncoding.DecodeString(m.Text); err == nil {
			d.wanted = append(d.wanted, wantedSum{name, m.Key, sum})
		}
	}
}

// add adds what has come.
func (d *getDigest) add(p []byte) {
	if d == nil || !d.whole {
		return
	}
	for _, h := range d.sums {
		h.Write(p)
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
		var all []io.Writer
		for algorithm := range d.sums {
			d.sums[algorithm] = newSum(algorithm)
			all = append(all, d.sums[algorithm])
		}
		if _, err := io.Copy(io.MultiWriter(all...), f); err != nil {
			return getFaultf(getReadError, "read %s: %w", name, cause(err))
		}
	}
	for _, w := range d.wanted {
		if got := d.sums[w.algorithm].Sum(nil); !bytes.Equal(got, w.sum) {
			return getFaultf(getWrongDigest, "the content is not what %s says: its %s is %x, not %x", w.from, w.algorithm, got, w.sum)
		}
	}
	return nil
}
