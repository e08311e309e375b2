// Package diskstore keeps objects on disk for a cache: for a key one record,
// which is a piece of metadata that it does not look into and immutable bodies.
// Plain files, no database: a small metadata file for each key, which is
// replaced as a whole, and beside it a file for each body that is larger than
// [Options.InlineMax]; smaller ones live inside the metadata file.
//
// It is not a database: what was put last may be gone after a crash, and what
// was deleted last may be back after a loss of power, for nothing waits for the
// disk. It knows nothing of HTTP, and it is not shared: one process owns a
// directory.
//
//	s, err := diskstore.Open(diskstore.Options{Dir: dir})
//	w, err := s.Create(-1)
//	_, err = io.Copy(w, answer)
//	body, err := w.Finish()
//	err = s.Put(key, &diskstore.Record{Meta: head, Bodies: []diskstore.Body{body}})
//	…
//	o, err := s.Get(key)
//	defer o.Release()
//	f, err := o.OpenBody(0)
//	defer f.Release()
//	if err = f.Verify(0, n); err == nil { /* send n bytes of f.File() */ }
//
// What holds at all times:
//
//   - Get returns what one Put stored, never a mixture: metadata carries its
//     length and a checksum and is renamed into place; a body never changes
//     under its ID, but for holes of a sparse one that are filled.
//   - A byte that [BodyFile.Verify] has let pass is a byte that was written:
//     blocks have checksums, compared before the first use in each life of the process.
//   - What the store occupies, in blocks of the disk and with its temporary
//     files, stays within [Options.MaxBytes]; from the moment that Open
//     returns, before it has counted what it found.
//   - A disk that is full or broken makes the store refuse, not fail: see [ErrFailing].
//
// On disk:
//
//	lock                      held while a process owns the directory
//	usage                     how much there is at most, for the next start
//	objects/ab/<key>.m        metadata of the key ab…, in hex
//	objects/ab/<key>.<id>     a body of that key
//	tmp/<id>                  what is being written; emptied by Open
//	trash-<id>/               what Open or Clear set aside; removed in the background
package diskstore
