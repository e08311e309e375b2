// Package static puts a folder on the web: files with content-hash
// entity-tags, ranges, preconditions, codings kept, listings, and a clear
// answer to everything that is not a file.
//
//	h, err := static.New(static.Options{Root: "site"})
//	if err != nil { … }
//	defer h.Close()
//	srv := httpd.Server{Handler: h, Hot: h}
//
// A [Handler] is an http.Handler for any server, over a real folder or any
// fs.FS. Under httpd it also answers on the hot path, with the same bytes: both
// ways end in the same function (answer.go), one writes what comes back of it
// as it is, the other as a header map.
//
// What holds:
//
//   - The file system is the truth. What is kept of a file is used only after
//     asking whether the file is still the same (device, inode, size, both
//     times), by default for each request. A file changed so lately that a
//     second change might not show in its times is read again. On network file
//     systems the answer is as fresh as their attribute cache.
//   - Equal entity-tags are equal bytes. A tag is a hash of what is sent; what
//     has not been hashed has no tag.
//   - A listing is made for each request. Its codings are kept, and are sent for
//     as long as what is made is equal to what they are of.
//   - No answer leaves the folder, neither by path nor by link.
//   - What lies beside a file does not change it: a sidecar (app.js.br) that
//     appears is used from the next time on that the file itself is read; one
//     that changes or goes shows at once.
//   - Memory is bounded by Options.Memory, whatever is asked for.
//
// It does not execute, write, upload or authenticate.
package static

import (
	"fmt"
	"os"
	"path/filepath"
	"sync"

	"freshet/httpd"
)

// Handler serves a folder. Make one with [New]; it is safe for use by many
// goroutines.
type Handler struct {
	opt       Options
	coherence int64 // nanoseconds
	tree      tree
	table     *table
	files     *descriptors
	errors    hotErrors
	missing   *missing
	jobs      jobs

	// loading keeps one file from being read by everybody who misses it at the
	// same time. The keys share these locks; no other lock is taken before one.
	loading [numShards]sync.Mutex
}

var _ httpd.HotHandler = (*Handler)(nil)

// New returns a handler. Close it when it is no longer needed.
func New(o Options) (*Handler, error) {
	if err := o.check(); err != nil {
		return nil, fmt.Errorf("static: %w", err)
	}
	h := &Handler{opt: o, coherence: int64(o.Coherence), table: newTable(o.Memory), files: newDescriptors(o.Descriptors)}
	if o.FS != nil {
		h.tree = newFSTree(o.FS, o.Immutable)
	} else {
		dir, err := filepath.Abs(o.Root)
		if err != nil {
			return nil, fmt.Errorf("static: %w", err)
		}
		fi, err := os.Stat(dir)
		if err != nil {
			return nil, fmt.Errorf("static: %w", err)
		}
		if !fi.IsDir() {
			return nil, fmt.Errorf("static: %s is not a folder", o.Root)
		}
		h.opt.Root = dir
		h.tree = newFolder(dir, o.FollowSymlinks)
	}
	if o.Coherence > 0 {
		h.missing = newMissing()
	}
	h.errors = newHotErrors(o.ErrorPages)
	return h, nil
}

// Close stops what runs in the background, waits for it, and lets go of all
// files. A closed handler still answers, but keeps nothing open for long.
func (h *Handler) Close() error {
	h.jobs.close()
	h.table.clear()
	h.files.close()
	return nil
}
