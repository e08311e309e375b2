package cache

import (
	"encoding/binary"
	"errors"
	"slices"

	"freshet/freshness"
	"freshet/internal/diskstore"
	"freshet/internal/rule"
)

// A resource on disk is a record of package diskstore. Its metadata is
//
//	version  byte
//	key      text
//	objects  number, then for each
//	    status, requested, received, born  numbers
//	    must       number: 0, or why it is to be validated before its next use
//	    age        text: the Age that the answer came with
//	    selecting  text
//	    body       number: 1 + the index in the record's bodies; 0: it is empty
//	    fields     number, then for each its name, a number of values, the values
//
// Numbers are varints, texts have their length before them. Terms are computed
// anew when it is read: the rules may have changed with the program. Objects of
// which there are only parts, in memory, are not written, but to a shared folder.
const persistVersion = 2

var errBadRecord = errors.New("cache: not a record of this version")

// encode returns the record of a resource, nil when nothing of it is to be
// kept on disk. Bodies that are not on disk yet are written: those are to be
// settled.
func (t *diskTier) encode(key string, r *resource) (rec *diskstore.Record, written []*keptBody, err error) {
	rec = &diskstore.Record{}
	b := append([]byte{persistVersion}, appendText(nil, key)...)
	var objects []*object
	for _, o := range r.objects {
		if (o.body.parts == nil || t.writesParts(o)) && !t.store.gone(o, key) {
			objects = append(objects, o)
		}
	}
	if len(objects) == 0 {
		return nil, nil, nil
	}
	b = binary.AppendUvarint(b, uint64(len(objects)))
	for _, o := range objects {
		index := 0
		if o.body.size > 0 {
			stored, fresh, err := t.bodyOf(o)
			if err != nil {
				return nil, written, err
			}
			if fresh {
				written = append(written, o.body.kept)
			}
			// Several objects have one body, when the origin said that the answer
			// is one that is stored for other requests.
			if index = 1 + slices.IndexFunc(rec.Bodies, func(b diskstore.Body) bool { return b.ID == stored.ID }); index == 0 {
				rec.Bodies = append(rec.Bodies, stored)
				index = len(rec.Bodies)
			}
		}
		for _, n := range [...]int64{int64(o.status), o.requested, o.terms.Received, int64(o.born), mustNumber(o)} {
			b = binary.AppendVarint(b, n)
		}
		b = appendText(b, first(o.age))
		b = appendText(b, o.selecting)
		b = binary.AppendUvarint(b, uint64(index))
		b = appendFields(b, o.fields)
	}
	rec.Meta = b
	return rec, written, nil
}

// musts are the reasons to validate an object before its next use, by their
// numbers on disk. A number without a rule is that of the fields.
var musts = [...]rule.ID{2: rule.CacheSoftPurged, 3: rule.CacheHeadDiffers}

// mustNumber returns the number of what an object has to be validated for.
func mustNumber(o *object) int64 {
	switch {
	case o.must != 0:
		return int64(slices.Index(musts[:], o.must))
	case o.terms.NoCache:
		return 1
	}
	return 0
}

func appendText(dst []byte, s string) []byte {
	return append(binary.AppendUvarint(dst, uint64(len(s))), s...)
}

func appendFields(dst []byte, fields freshness.Fields) []byte {
	dst = binary.AppendUvarint(dst, uint64(len(fields)))
	names := make([]string, 0, len(fields))
	for name := range fields {
		names = append(names, name)
	}
	slices.Sort(names)
	for _, name := range names {
		dst = appendText(dst, name)
		dst = binary.AppendUvarint(dst, uint64(len(fields[name])))
		for _, v := range fields[name] {
			dst = appendText(dst, v)
		}
	}
	return dst
}

// bodyOf returns the body of an object on disk, which is written if it is not
// there yet: then it is fresh.
func (t *diskTier) bodyOf(o *object) (stored diskstore.Body, fresh bool, err error) {
	kept := o.body.kept
	kept.mu.Lock()
	defer kept.mu.Unlock()
	if kept.body.ID != 0 {
		return kept.body, false, nil
	}
	w, err := t.writeBody(&o.body)
	if err != nil {
		return stored, false, err
	}
	if stored, err = w.Finish(); err != nil {
		w.Abort()
		return stored, false, err
	}
	kept.body, kept.writer = stored, w
	return stored, true, nil
}

// writeBody writes a body that is in memory.
func (t *diskTier) writeBody(b *body) (w *diskstore.Writer, err error) {
	if b.parts == nil {
		if w, err = t.files.Create(b.size); err == nil {
			_, err = w.Write(b.data)
		}
	} else if w, err = t.files.OpenSparse(b.size); err == nil {
		for i := 0; i < len(b.parts) && err == nil; i++ {
			_, err = w.WriteAt(b.parts[i].data, b.parts[i].at)
		}
	}
	if err != nil && w != nil {
		w.Abort()
	}
	return w, err
}

// settle ends the writing of a body: it is kept, or it never was there.
func (b *keptBody) settle(ok bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if !ok && b.writer != nil {
		b.writer.Abort()
		b.body = diskstore.Body{}
	}
	b.writer = nil
}

// forgetWritten makes the bodies that are in memory be written anew.
func (r *resource) forgetWritten() {
	for _, o := range r.objects {
		if kept := o.body.kept; kept != nil && o.body.disk == nil {
			kept.mu.Lock()
			kept.body = diskstore.Body{}
			kept.mu.Unlock()
		}
	}
}

// decode returns the resource of a record. ok is false when it is of another
// key or version.
func (t *diskTier) decode(key string, k diskstore.Key, rec *diskstore.Record) (r *resource, ok bool) {
	d := &decoder{rest: rec.Meta}
	if d.byte() != persistVersion || d.text() != key {
		return nil, false
	}
	r = &resource{tally: new(tally)}
	for range d.count() {
		status, requested, received, born, must := d.number(), d.number(), d.number(), d.number(), d.number()
		age, selecting, index := d.text(), d.text(), d.count()
		fields := d.fields()
		if d.err != nil || index > len(rec.Bodies) {
			return nil, false
		}
		var b body
		if index > 0 {
			b = t.bodyFrom(k, &rec.Bodies[index-1])
		}
		var came []string
		if age != "" {
			came = []string{age}
		}
		resp := freshness.Response{Status: int(status), Fields: withAge(fields, freshness.Fields{"Age": came}), Requested: requested, Received: received}
		o := newObject(int(status), fields, t.store.terms(&resp), requested, b)
		o.keepApart(t.store.policy.Load())
		o.selecting, o.born, o.age = selecting, uint64(born), came
		if must > 0 && must < int64(len(musts)) {
			o.must = musts[must]
		}
		o.terms.NoCache = o.terms.NoCache || must != 0
		r.objects = append(r.objects, o)
	}
	return r, d.err == nil
}

// bodyFrom returns a stored body: from its record when it is small, as a file
// else.
func (t *diskTier) bodyFrom(k diskstore.Key, stored *diskstore.Body) body {
	if stored.Inline != nil {
		return body{size: stored.Size, data: stored.Inline, kept: &keptBody{body: *stored}}
	}
	return onDisk(t, k, stored)
}

// decoder reads what was encoded; after a fault everything is zero.
type decoder struct {
	rest []byte
	err  error
}

func (d *decoder) byte() byte {
	if len(d.rest) == 0 {
		d.err = errBadRecord
		return 0
	}
	c := d.rest[0]
	d.rest = d.rest[1:]
	return c
}

func (d *decoder) number() int64 {
	v, n := binary.Varint(d.rest)
	d.skip(n)
	return v
}

// count is a number of things of at least a byte each.
func (d *decoder) count() int {
	v, n := binary.Uvarint(d.rest)
	d.skip(n)
	if v > uint64(len(d.rest)) {
		d.err, d.rest = errBadRecord, nil
		return 0
	}
	return int(v)
}

func (d *decoder) skip(n int) {
	if n <= 0 {
		d.err, d.rest = errBadRecord, nil
		return
	}
	d.rest = d.rest[n:]
}

func (d *decoder) text() string {
	n := d.count()
	s := string(d.rest[:n])
	d.rest = d.rest[n:]
	return s
}

func (d *decoder) fields() freshness.Fields {
	n := d.count()
	fields := make(freshness.Fields, n)
	for range n {
		name := d.text()
		values := make([]string, d.count())
		for i := range values {
			values[i] = d.text()
		}
		fields[name] = values
	}
	return fields
}
