package acme

import (
	"context"
	"crypto/tls"
	"encoding/json"
	"errors"
	"io/fs"
	"path"
	"strings"

	"freshet/internal/atrest"
)

// What belongs to a certificate is three files, and each renewal has a new key.
// certmagic stores them one after the other, the key first, and after a failure
// deletes those that it had stored, as if nothing had been there before. So the
// first two wait in memory, and the third has all be written, aside:
//
//	NAME.crt.next NAME.json.next NAME.key.next   from here on there is space for all
//	NAME.crt                                     from here on the new one is the one
//	NAME.json NAME.key
//
// Each line but the first is a rename. Who is killed before the second line
// leaves the old certificate, and after it the new one, whose key is aside when
// the one in its place does not belong to it. See mend.
type parts struct{ key, cert []byte }

const aside = ".next"

// siteFile tells which file of a certificate a key of the storage is: what they
// have in common, and .key, .crt or .json.
func siteFile(key string) (site, ext string, ok bool) {
	ext = path.Ext(key)
	ok = strings.HasPrefix(key, "certificates/") && (ext == ".key" || ext == ".crt" || ext == ".json")
	return strings.TrimSuffix(key, ext), ext, ok
}

// hold keeps what has to wait for the rest. Without a key before it nothing
// waits: certmagic stores .json alone when only the time of the renewal changed.
func (f *folder) hold(key string, value []byte) (all *parts, held bool) {
	site, ext, ok := siteFile(key)
	if !ok {
		return nil, false
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	p := f.waiting[site]
	switch {
	case ext == ".key":
		f.waiting[site] = &parts{key: value}
		return nil, true
	case p != nil && ext == ".crt":
		p.cert = value
		return nil, true
	case p != nil && p.cert != nil:
		return p, false
	}
	return nil, false
}

// release forgets what waits, when it is deleted, and reports whether it did.
func (f *folder) release(key string) bool {
	site, ext, ok := siteFile(key)
	if !ok {
		return false
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	p := f.waiting[site]
	if p == nil {
		return false
	}
	if ext == ".key" {
		delete(f.waiting, site)
	}
	return true
}

// storeAll puts a new certificate into the place of the old one. After an error
// the old one is there, and what waits is still to be released.
func (f *folder) storeAll(site string, p *parts, meta []byte) error {
	err := errors.Join(f.write(site+".crt"+aside, p.cert), f.write(site+".json"+aside, meta), f.write(site+".key"+aside, p.key))
	if err == nil {
		err = f.rename(site+".crt"+aside, site+".crt")
	}
	if err != nil {
		f.dropAside(site)
		return err
	}
	f.mu.Lock()
	delete(f.waiting, site)
	f.mu.Unlock()
	return f.finish(site)
}

// finish puts what belongs to a certificate that is in its place beside it, the
// key last: while it is aside this is not done.
func (f *folder) finish(site string) error {
	if err := f.rename(site+".json"+aside, site+".json"); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return f.rename(site+".key"+aside, site+".key")
}

func (f *folder) dropAside(site string) {
	for _, ext := range []string{".crt", ".json", ".key"} {
		_ = f.root.Remove(system(site + ext + aside))
	}
}

// pair returns the certificate of a site with the key that belongs to it, which
// may still be aside.
func (f *folder) pair(site string) (c tls.Certificate, keyAside bool, err error) {
	chain, err := f.Load(context.Background(), site+".crt")
	if err != nil {
		return c, false, err
	}
	key, err := f.Load(context.Background(), site+".key")
	if err == nil {
		if c, err = tls.X509KeyPair(chain, key); err == nil {
			return c, false, nil
		}
	}
	next, not := f.Load(context.Background(), site+".key"+aside)
	if not == nil {
		if c, err := tls.X509KeyPair(chain, next); err == nil {
			return c, true, nil
		}
	}
	var io *fs.PathError
	switch {
	case errors.As(err, &io) || keyless(err):
		return c, false, err
	case keyless(not):
		return c, false, not
	}
	return c, false, errBroken
}

// keyless reports whether what was read may be good, and only the keys are others,
// be it under the same name: nothing is to be thrown away for that.
func keyless(err error) bool {
	return errors.Is(err, atrest.ErrNoKey) || errors.Is(err, atrest.ErrPlain) || errors.Is(err, atrest.ErrSealed) || errors.Is(err, atrest.ErrDamaged)
}

// errBroken is that there is all of a certificate, and it cannot be used.
var errBroken = errors.New("the certificate, its key and when to renew it do not belong together")

// whole reports whether nothing of a site is to be mended: it can be used, or
// there is none. Other errors are those of the folder.
func (f *folder) whole(site string) error {
	_, keyAside, err := f.pair(site)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil
	case err != nil:
		return err
	case keyAside || f.Exists(context.Background(), site+".key"+aside):
		return errBroken
	}
	meta, err := f.Load(context.Background(), site+".json")
	switch {
	case keyless(err):
		return err
	case err == nil && !json.Valid(meta):
		return errBroken
	}
	return nil
}

// mend puts in order what a process left that was killed while it stored: it
// goes on where that one stopped. What cannot be used is deleted, so that another
// one is obtained, but nothing is because something sealed does not open. It is for
// who has the lock of the name.
func (f *folder) mend(site string) error {
	_, keyAside, err := f.pair(site)
	if keyAside {
		return f.finish(site)
	}
	if err != nil && !errors.Is(err, errBroken) {
		return err
	}
	f.dropAside(site)
	if err = f.whole(site); errors.Is(err, errBroken) {
		err = f.root.Remove(system(site + ".crt"))
	}
	return err
}
