package static

import (
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"io"

	"freshet/digest"
	"freshet/internal/coding"
	"freshet/internal/field"
	"freshet/internal/representation"
	"freshet/internal/rule"
)

// plan says what an entry is to be made of.
type plan struct {
	key    string
	name   string // of the file
	why    rule.ID
	absent []string
	shell  bool // the page of a single-page application, under other addresses than its own
	aside  bool // it is only looked at: no file is kept open
}

// load makes an entry of an open file, which it takes over, for a request
// that was read at now, and keeps the entry if it can be proved fresh later.
func (h *Handler) load(p plan, f *opened, now int64) (*entry, error) {
	e, keep, err := h.build(p, f, now)
	if err == nil && keep {
		e.todo.Store(e.lacks(h.negotiable(e)))
		h.table.put(e)
	}
	return e, err
}

// negotiable reports whether an entry's file may be sent in several codings.
func (h *Handler) negotiable(e *entry) bool {
	return !h.opt.NoCompress && coding.Compressible(e.meta.Type)
}

// build is load, but keeps nothing. keep says whether the entry may be kept.
func (h *Handler) build(p plan, f *opened, now int64) (made *entry, keep bool, err error) {
	e := &entry{key: p.key, why: p.why, absent: p.absent, slot: -1}
	body, keep, err := h.read(p.name, &f, now)
	if err != nil {
		return nil, false, err
	}
	e.sources[field.Identity] = h.newSource(p.name, f, now, p.aside)

	e.meta.Type = typeOf(p.name, h.opt.MIME)
	e.meta.Modified, e.renew = f.stamp.modified(now)
	e.meta.CacheControl, e.age = h.opt.Cache.cacheControl(p.name, e.meta.Type)
	negotiable := h.negotiable(e)
	if negotiable {
		e.meta.Vary = "Accept-Encoding"
	}
	if p.shell {
		// What it depends on: whether this is a visit to a page, and not a
		// script that asks for its parts. See assetRequest.
		e.meta.CacheControl, e.age = "no-cache", 0
		e.meta.Vary = "Accept, Accept-Encoding, Sec-Fetch-Dest"
	}

	set := representation.NewSet(&e.meta, newVariant(&e.meta, field.Identity, f.stamp.size, body))
	if negotiable && hasSidecars(e.meta.Type) {
		for c := field.Identity + 1; c < field.NumCodings; c++ {
			v, fresh := h.sidecar(e, c, now, p.aside)
			if v != nil {
				set = set.With(v)
			}
			keep = keep && fresh
		}
	}
	e.set.Store(set)
	return e, keep, nil
}

// lacks returns the codings that the background could add to an entry, or add
// a tag to, as bits.
func (e *entry) lacks(negotiable bool) (todo uint32) {
	set := e.set.Load()
	compressible := negotiable && len(set.Variant(field.Identity).Body) >= coding.MinSize
	for c := field.Coding(0); c < field.NumCodings; c++ {
		if v := set.Variant(c); v == nil && compressible || v != nil && v.Tag == "" {
			todo |= 1 << c
		}
	}
	return todo
}

// newSource remembers where a file came from. A file whose body stays on disk
// is kept open as long as there is room; any other is closed by now.
func (h *Handler) newSource(name string, f *opened, now int64, aside bool) *source {
	s := &source{name: name, place: h.tree.locate(name), stamp: f.stamp, local: f.local}
	s.checked.Store(now)
	if aside {
		f.Close()
	} else {
		h.keepOpen(s, f)
	}
	return s
}

// keepOpen gives a file to the cache of descriptors, or closes it.
func (h *Handler) keepOpen(s *source, f *opened) {
	if of := osFile(f.File); of != nil && f.stamp.size > h.opt.MaxInMemory {
		h.files.keep(s, newDescriptor(of))
	} else {
		f.Close()
	}
}

// read reads a file into memory, if it is small enough for that: else body is
// nil. keep is false when the file changed so lately, or while it was read,
// that the bytes may not be what the file's stamp will stand for. A file that
// changes is opened again, in the hope that it holds still.
func (h *Handler) read(name string, f **opened, now int64) (body []byte, keep bool, err error) {
	for tries := 1; ; tries++ {
		trust := !(*f).stamp.racy(now) || h.frozen()
		if (*f).stamp.size > h.opt.MaxInMemory {
			return nil, trust, nil
		}
		body, err = readExactly(*f)
		if err == nil {
			return body, trust, nil
		}
		if errors.Is(err, errChanged) && tries == 3 {
			// It never holds still, as a log that grows. What was read was
			// there, and is tagged as what it is; it is not kept.
			(*f).stamp.size = int64(len(body))
			return body, false, nil
		}
		(*f).Close()
		if !errors.Is(err, errChanged) {
			return nil, false, err
		}
		if *f, err = h.open(name); err != nil {
			return nil, false, err
		}
		if (*f).dir {
			(*f).Close()
			return nil, false, errChanged
		}
	}
}

// frozen reports whether the files can never change.
func (h *Handler) frozen() bool {
	t, ok := h.tree.(*fsTree)
	return ok && t.frozen
}

var errChanged = errors.New("the file changed while it was read")

// readExactly reads a whole file. It fails with errChanged, and what it could
// read, unless that is, to the end, what the file's stamp says.
func readExactly(f *opened) ([]byte, error) {
	body := make([]byte, f.stamp.size)
	n, err := io.ReadFull(f, body)
	if err == io.EOF || err == io.ErrUnexpectedEOF {
		return body[:n], errChanged
	}
	if err != nil {
		return nil, err
	}
	if n, err := f.Read(make([]byte, 1)); n > 0 || err != nil && err != io.EOF {
		return body, errChanged
	}
	if now, err := f.restamp(); err != nil || now != f.stamp {
		return body, errChanged
	}
	return body, nil
}

// sidecar looks for a file beside an entry's own that holds one coding of it,
// and returns its variant, or nil. One that is older than the original is
// another content's. fresh is false when it changed so lately that it may be
// half written: then it is not used, and the entry must not be kept.
func (h *Handler) sidecar(e *entry, c field.Coding, now int64, aside bool) (v *representation.Variant, fresh bool) {
	own := e.sources[field.Identity]
	name := own.name + coding.Sidecar(c)
	f, err := h.open(name)
	if err != nil {
		return nil, true
	}
	if f.dir || f.stamp.mtime < own.stamp.mtime || f.stamp.size == 0 {
		f.Close()
		return nil, true
	}
	if f.stamp.racy(now) && !h.frozen() {
		f.Close()
		return nil, false
	}
	body, settled, err := h.read(name, &f, now)
	if err != nil {
		return nil, false
	}
	if !settled { // it changed while it was read
		f.Close()
		return nil, false
	}
	e.sources[c] = h.newSource(name, f, now, aside)
	return newVariant(&e.meta, c, f.stamp.size, body), true
}

// newVariant returns a variant with the tag of its body; one whose body is not
// in memory has no tag yet.
func newVariant(m *representation.Meta, c field.Coding, size int64, body []byte) *representation.Variant {
	if body == nil {
		return representation.New(m, c, "", size, nil)
	}
	return newHashed(m, c, size, body, sha256.Sum256(body))
}

// newHashed is newVariant for a body whose hash is known, in memory or not.
func newHashed(m *representation.Meta, c field.Coding, size int64, body []byte, sum [sha256.Size]byte) *representation.Variant {
	v := representation.New(m, c, tagOf(sum, c), size, body)
	v.Digest = digest.FromSum(digest.SHA256, sum[:])
	return v
}

// tagOf returns the entity-tag for bytes with this hash. A coding is tagged by
// its own bytes, not by those of the original: two encoders, or two versions of
// one, make different bytes of one original, and a range of one does not fit
// the other.
func tagOf(sum [sha256.Size]byte, c field.Coding) string {
	return coding.Tag(`"`+base64.RawURLEncoding.EncodeToString(sum[:16])+`"`, c)
}
