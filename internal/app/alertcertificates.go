package app

import (
	"bytes"
	"crypto/x509"
	"errors"
	"math"
	"slices"
	"strings"
	"time"

	"freshet/internal/alert"
	"freshet/internal/follow"
)

// lookAtCertificates looks at those of files and those by ACME.
func (s *service) lookAtCertificates(look alert.Look, k *sampler, now time.Time) {
	left, failing := k.ofFiles(s.servedPairs(), now)
	if auto := s.certificates(); auto != nil {
		for _, n := range auto.State() {
			if !n.Until.IsZero() {
				left = append(left, certificateLeft(n.Name, n.From, n.Until, now))
			}
			r := alert.Reading{Subject: n.Name}
			if n.Err != nil {
				r.Value, r.Detail = 1, n.Err.Error()
			}
			failing = append(failing, r)
		}
	}
	look["certificate_left"], look["certificate_failing"] = left, failing
}

func certificateLeft(name string, from, until, now time.Time) alert.Reading {
	return alert.Reading{Subject: name, Value: until.Sub(now).Seconds(), Most: until.Sub(from).Seconds() / 6, Detail: "It ends at " + until.UTC().Format(time.RFC3339) + "."}
}

// A servedPair is a certificate of files as handshakes get it, which may be older
// than its files.
type servedPair struct {
	files keyPairFiles
	leaf  *x509.Certificate // nil: none is known
}

// servedPairs are those of this server. Of two with one file of certificates the
// one that ends first stands first.
func (s *service) servedPairs() []servedPair {
	var all []servedPair
	if l := s.content.live; l != nil {
		for files, pair := range l.sites().certificates {
			all = append(all, servedPair{files, pair.Current().Leaf})
		}
	} else if s.conf.TLSCert != "" {
		served := servedPair{files: keyPairFiles{s.conf.TLSCert, s.conf.TLSKey}}
		if c := s.fileFor(""); c != nil {
			served.leaf = c.Leaf
		}
		all = append(all, served)
	}
	slices.SortFunc(all, func(a, b servedPair) int {
		if d := strings.Compare(a.files.cert, b.files.cert); d != 0 {
			return d
		}
		return a.ends().Compare(b.ends())
	})
	return all
}

func (p *servedPair) ends() time.Time {
	if p.leaf == nil {
		return time.Time{}
	}
	return p.leaf.NotAfter
}

// A pairLook is what there was in the files of a certificate at a time.
type pairLook struct {
	at  time.Time
	err error // why it is not served
}

// ofFiles says of certificates of files how long what is served is good for, and
// whether its files could take its place.
func (k *sampler) ofFiles(pairs []servedPair, now time.Time) (left, failing []alert.Reading) {
	for i := range pairs {
		p := &pairs[i]
		name := p.files.cert
		r, fails := alert.Reading{Subject: name, Value: math.NaN()}, alert.Reading{Subject: name}
		if p.leaf != nil {
			r = certificateLeft(name, p.leaf.NotBefore, p.leaf.NotAfter, now)
		}
		if err := k.loads(p, now); err != nil {
			fails.Value, fails.Detail = 1, "The previous certificate is served: "+err.Error()
			r.Detail = strings.TrimSpace(r.Detail + " What is in its files is not served: " + err.Error())
		}
		left = append(left, r)
		if n := len(failing); n == 0 || failing[n-1].Subject != name {
			failing = append(failing, fails)
		} else if fails.Value > 0 {
			failing[n-1] = fails
		}
	}
	return left, failing
}

var errNotServed = errors.New("they have another certificate than the one that is served")

// loads reads the files of a certificate, once in a minute.
func (k *sampler) loads(p *servedPair, now time.Time) error {
	if last, ok := k.pairs[p.files]; ok && now.Sub(last.at) < time.Minute && !now.Before(last.at) {
		return last.err
	}
	is := pairLook{at: now}
	files, err := follow.LoadKeyPair(p.files.cert, p.files.key)
	switch {
	case err != nil:
		is.err = err
	case p.leaf == nil || len(files.Certificate) == 0 || !bytes.Equal(files.Certificate[0], p.leaf.Raw):
		is.err = errNotServed
	}
	if k.pairs == nil || len(k.pairs) > 10000 {
		k.pairs = map[keyPairFiles]pairLook{}
	}
	k.pairs[p.files] = is
	return is.err
}

// lookAtKeyFile looks at the keys of what is on disk: whether their file, as it is
// now, could be read.
func (s *service) lookAtKeyFile(look alert.Look) {
	look["key_file_failing"] = nil
	if s.sealKeys == nil {
		return
	}
	s.sealKeys.Current(time.Now().UnixNano())
	r := alert.Reading{Subject: s.conf.Encrypt}
	if err := s.sealKeys.Err(); err != nil {
		r.Value, r.Detail = 1, "The previous keys hold: "+err.Error()
	}
	look["key_file_failing"] = []alert.Reading{r}
}
