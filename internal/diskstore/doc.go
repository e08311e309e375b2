// Package diskstore keeps objects on disk for a cache: for a key one record,
// which is a piece of metadata that it does not look into and immutable bodies.
// Plain files, no database: a small metadata file for each key, which is
// replaced as a whole, and beside it a file for each body that is larger than
// [Options.InlineMax]; smaller ones live inside the metadata file.
//
// It is not a database: what was put last may be gone after a crash, and what
// was deleted last may be back after a loss of power, for nothing waits for the
// disk. It knows nothing of HTTP. One process owns a directory, unless all of
// them say [Options.Shared].
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
// A shared directory is for many short lives: to open it costs a system call,
// and to find an object another few. What differs:
//
//   - What another process has stored, replaced or removed holds from the next
//     Get on. Puts of one key by two processes: the last wins.
//   - There is no index, no exact count, and no limit on entries. A process
//     appends to the file "sum" what it has written, each 1/64 of MaxBytes and
//     with Close; who finds the sum above MaxBytes counts what there is, and
//     removes what was used least recently until an eighth is free. So MaxBytes
//     can be exceeded by 1/64 of it for each process, and by what is being
//     written. When an object was used is the time of its metadata file, renewed
//     after ten minutes.
//   - Nothing is read back in the background.
//   - What a process leaves behind that was killed is removed when the next one
//     makes room.
//
// On disk:
//
//	lock                      held while a process owns the directory
//	usage                     how much there is at most, for the next start
//	objects/ab/<key>.m        metadata of the key ab…, in hex
//	objects/ab/<key>.<id>     a body of that key
//	tmp/<id>                  what is being written; emptied by Open
//	trash-<id>/               what Open or Clear set aside; removed in the background
//
// When it is shared, instead of lock, usage and tmp/<id>:
//
//	sum                       how much there is at most, in parts
//	gc                        held while a process makes room
//	tmp/<owner>/<id>          what is being written
//	tmp/<owner>.lock          held while the process lives that writes there
package diskstore
