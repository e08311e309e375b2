package app

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"freshet/internal/coding"
	"freshet/internal/config"
	"freshet/internal/field"
	"freshet/internal/why"
	"freshet/internal/wire"
	"freshet/internal/worker"
	"freshet/jobs"
)

// precompressWants are the parameters of a job that compresses files ahead of
// requests.
type precompressWants struct {
	paths   []string // decoded, without slashes at their ends; none: all
	codings []field.Coding
	least   int64 // bytes of a file
}

// readPrecompress reads them: paths, as they stand in addresses, white space between
// them; codings, commas between them; min-size.
func readPrecompress(params map[string]string) (w precompressWants, err error) {
	w.least = coding.MinSize
	var faults []error
	fault := func(format string, args ...any) { faults = append(faults, fmt.Errorf(format, args...)) }
	for name, value := range params {
		switch name {
		case "paths":
			for path := range strings.FieldsSeq(value) {
				below, _, broken := wire.DecodePath(path)
				if !strings.HasPrefix(path, "/") || broken != wire.PathSound {
					fault("parameter paths: %q is no path of an address, such as /docs/", path)
				}
				w.paths = append(w.paths, below)
			}
		case "codings":
			for word := range strings.SplitSeq(value, ",") {
				c, ok := field.CodingNamed(strings.TrimSpace(word))
				if !ok || !coding.All.Has(c) {
					fault("parameter codings: %q is none of gzip, br, zstd", strings.TrimSpace(word))
				} else if !slices.Contains(w.codings, c) {
					w.codings = append(w.codings, c)
				}
			}
		case "min-size":
			n, ok := config.ParseSize(value)
			if !ok || n < 1 {
				fault("parameter min-size: %q is no size, such as 1KiB", value)
			}
			w.least = n
		default:
			fault("there is no parameter %q: there are paths, codings, min-size", name)
		}
	}
	if len(w.codings) == 0 {
		for c := field.Identity + 1; c < field.NumCodings; c++ {
			if coding.All.Has(c) {
				w.codings = append(w.codings, c)
			}
		}
	}
	slices.SortFunc(faults, func(a, b error) int { return strings.Compare(a.Error(), b.Error()) })
	return w, errors.Join(faults...)
}

// check says what of it cannot be done in the folders that there are.
func (w *precompressWants) check(all []servedFolder) error {
	if len(all) == 0 {
		return errNoFolders
	}
	for _, path := range w.paths {
		if !slices.ContainsFunc(all, func(f servedFolder) bool { _, ok := f.below(path); return ok }) {
			return fmt.Errorf("no folder is served at /%s", path)
		}
	}
	return nil
}

var errNoFolders = errors.New("this server serves no folder")

// checkPrecompress says what is wrong with a job's parameters.
func (f *folders) checkPrecompress(params map[string]string) error {
	w, err := readPrecompress(params)
	if err == nil && f != nil {
		err = w.check(f.list())
	}
	return err
}

// precompressKind is a kind of task that writes, beside the files that a server
// serves, what they are in the codings that clients take: see precompressor. It
// begins to look anew each time, and leaves what is there. records is where it
// is noted what was written.
func precompressKind(f *folders, records string) worker.Kind {
	return func(ctx context.Context, t *jobs.Task, r worker.Reporter) jobs.Result {
		w, err := readPrecompress(t.Spec.Params)
		all := f.list()
		if err == nil {
			err = w.check(all)
		}
		if err != nil {
			return jobs.Result{Exit: exitUsage, Reason: err.Error()}
		}
		select { // two would write the same files
		case f.turn <- struct{}{}:
			defer func() { <-f.turn }()
		case <-ctx.Done():
			return jobs.Result{Exit: exitFault, Reason: context.Cause(ctx).Error()}
		}
		p := &precompressor{wants: w, report: r, notes: records, settle: 2 * time.Second, now: time.Now, whole: wholeBytes}
		err = p.all(ctx, all)
		r.Print("%s", p.summary())
		if ctx.Err() != nil {
			err = context.Cause(ctx)
		}
		if err != nil {
			return jobs.Result{Exit: exitFault, Reason: err.Error()}
		}
		return jobs.Result{}
	}
}

// summary says in a line what was done.
func (p *precompressor) summary() string {
	line := fmt.Sprintf("%s: %s written", why.Count(p.done, "file"), why.Count(p.written, "coding"))
	for _, more := range []struct {
		n    int64
		what string
	}{{p.had, "there already"}, {p.foreign, "of somebody else, left alone"}, {p.removed, "removed"}, {p.idle, "not worth it"}, {p.failed, "failed"}} {
		if more.n > 0 {
			line += fmt.Sprintf(", %d %s", more.n, more.what)
		}
	}
	return line
}
