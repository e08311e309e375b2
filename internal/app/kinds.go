package app

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"maps"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"freshet/cache"
	"freshet/fleet"
	"freshet/internal/config"
	"freshet/internal/control"
	"freshet/internal/worker"
	"freshet/jobs"
)

// ownKind is a kind of work that needs this server.
type ownKind struct {
	run   worker.Kind                          // nil: this server cannot do it,
	lacks string                               // because of this
	check func(params map[string]string) error // what is wrong with a job's parameters
}

// kindChecks say what is wrong with a job's parameters, of the kinds of which that
// can be said without a server. Those of every node are checked by fleet.CheckKind.
var kindChecks = map[string]func(params map[string]string) error{
	"purge":       func(params map[string]string) error { return readPurge(params, &control.Request{}) },
	"scrub":       func(params map[string]string) error { _, _, err := scrubParams(params); return err },
	"list-update": noParams,
}

// checkKind says what is wrong with a job of a kind, before it is sent to a server.
func checkKind(s *jobs.Spec) error {
	if check := kindChecks[s.Kind]; check != nil {
		if err := check(s.Params); err != nil {
			return fmt.Errorf("kind %s: %w", s.Kind, err)
		}
	}
	return fleet.CheckKind(s.Kind, s.Params)
}

// ownKinds are the kinds of work that need a server, and whether this one has
// what they need.
func (s *service) ownKinds() map[string]ownKind {
	all := map[string]ownKind{
		"purge":       {lacks: "this server keeps no answers that could be purged", check: kindChecks["purge"]},
		"scrub":       {lacks: "this server has no cache on disk, which --data gives it", check: kindChecks["scrub"]},
		"precompress": {lacks: errNoFolders.Error(), check: s.content.folders.checkPrecompress},
		"list-update": {lacks: "this server filters by no lists", check: kindChecks["list-update"]},
	}
	has := func(kind string, run worker.Kind) {
		k := all[kind]
		k.run = run
		all[kind] = k
	}
	if s.content.purger != nil {
		has("purge", purgeKind(s.content.purger))
	}
	if s.content.store != nil && s.content.store.Scrubs() {
		has("scrub", scrubKind(s.content.store))
	}
	if f := s.content.filter; f != nil && len(f.Lists()) > 0 {
		has("list-update", listKind(f))
	}
	if f := s.content.folders; f != nil {
		if dir, err := doorFolder(s.content.data, s.env.Environ); err == nil {
			has("precompress", precompressKind(f, filepath.Join(dir, "precompressed")))
		}
	}
	return all
}

// kinds are the kinds of work that this server does, beside those that any
// worker has.
func (s *service) kinds() map[string]worker.Kind {
	all := map[string]worker.Kind{}
	for name, k := range s.ownKinds() {
		if k.run != nil {
			all[name] = k.run
		}
	}
	return all
}

// checkJob says what is wrong with a job of a kind that needs a server, before
// it is accepted: no other server is given it, so that it would wait in vain.
func (s *service) checkJob(spec *jobs.Spec) error {
	k, own := s.ownKinds()[spec.Kind]
	switch {
	case !own:
		return nil
	case k.run == nil:
		return fmt.Errorf("kind %s: %s", spec.Kind, k.lacks)
	}
	if err := k.check(spec.Params); err != nil {
		return fmt.Errorf("kind %s: %w", spec.Kind, err)
	}
	return nil
}

// operands gives a job of a kind of work what stands behind it on the command
// line: addresses, or their paths.
func operands(s *jobs.Spec) {
	if s.Kind == "" || len(s.Command) == 0 {
		return
	}
	if s.Params == nil {
		s.Params = map[string]string{}
	}
	name := "urls"
	if s.Kind == "precompress" {
		name = "paths"
	}
	s.Params[name], s.Command = strings.Join(s.Command, " "), nil
}

// noParams is the check of a kind without parameters.
func noParams(params map[string]string) error {
	for _, name := range slices.Sorted(maps.Keys(params)) {
		return fmt.Errorf("there is no parameter %q: there are none", name)
	}
	return nil
}

// purgeKind is a kind of task that purges. Its parameters are the flags of
// freshet purge: urls, tags, hosts and prefixes, white space between them; where,
// one condition a line; all and soft, which are yes or no. The receipt has the
// name of the task, so that a task that is run again, because nobody knows how
// its first run ended, purges nothing that was stored since then.
func purgeKind(p control.Purger) worker.Kind {
	return func(_ context.Context, t *jobs.Task, r worker.Reporter) jobs.Result {
		q := &control.Request{ID: "job-" + string(t.Job) + "-" + strconv.FormatInt(t.Task, 10)}
		if err := readPurge(t.Spec.Params, q); err != nil {
			return jobs.Result{Exit: exitUsage, Reason: err.Error()}
		}
		a, err := p.Purge(q)
		if err != nil {
			return jobs.Result{Exit: exitFault, Reason: err.Error()}
		}
		var text bytes.Buffer
		tellPurged(&text, q, a)
		for line := range strings.Lines(text.String()) {
			r.Print("%s", strings.TrimSuffix(line, "\n"))
		}
		for _, fault := range a.Faults {
			r.Print("%s", visible(fault))
		}
		if n := len(a.Faults); n > 0 {
			return jobs.Result{Exit: exitFault, Reason: "not all is purged: " + a.Faults[0]}
		}
		return jobs.Result{}
	}
}

// readPurge puts into q what a job asks for.
func readPurge(params map[string]string, q *control.Request) error {
	var faults []error
	yes := func(name, value string) bool {
		if value != "yes" && value != "no" {
			faults = append(faults, fmt.Errorf("parameter %s: %q is neither yes nor no", name, value))
		}
		return value == "yes"
	}
	for name, value := range params {
		switch name {
		case "urls":
			q.URLs = strings.Fields(value)
		case "tags":
			q.Tags = strings.Fields(value)
		case "hosts":
			q.Hosts = strings.Fields(value)
		case "prefixes":
			q.Prefixes = strings.Fields(value)
		case "where":
			for line := range strings.SplitSeq(value, "\n") {
				if line = strings.TrimSpace(line); line != "" {
					q.Where = append(q.Where, line)
				}
			}
		case "all":
			q.All = yes(name, value)
		case "soft":
			q.Soft = yes(name, value)
		default:
			faults = append(faults, fmt.Errorf("there is no parameter %q: there are urls, tags, hosts, prefixes, where, all, soft", name))
		}
	}
	if !q.Purges() && len(faults) == 0 {
		faults = append(faults, errors.New("there is nothing to purge: name addresses, or tags, hosts, prefixes, where, all"))
	}
	slices.SortFunc(faults, func(a, b error) int { return strings.Compare(a.Error(), b.Error()) })
	return errors.Join(faults...)
}

// scrubKind is a kind of task that reads back what a cache has on disk, and
// removes what is not what was written. Its parameter rate, such as 20MiB, is
// how much it reads a second; reseal=yes has what an old key seals sealed anew.
// A task that is run again begins anew. That something had to be removed is no
// failure: it is in the output, and was an answer that an origin has.
func scrubKind(s *cache.Store) worker.Kind {
	return func(ctx context.Context, t *jobs.Task, r worker.Reporter) jobs.Result {
		rate, reseal, err := scrubParams(t.Spec.Params)
		if err != nil {
			return jobs.Result{Exit: exitUsage, Reason: err.Error()}
		}
		pass := s.Scrub
		if reseal {
			pass = s.Reseal
		}
		done, err := pass(ctx, rate, func(done, all int64) {
			r.Progress(float64(done)/float64(all), fmt.Sprintf("%d of %d objects", done, all))
		})
		r.Print("%d objects, %d bytes of bodies were read back; removed, because they were not what was written: %d", done.Objects, done.Bytes, done.Removed)
		if reseal {
			r.Print("sealed anew: %d", done.Resealed)
		}
		needed := maps.Clone(done.Keys)
		for key := range done.Others {
			needed[key] += 0
		}
		for _, key := range slices.Sorted(maps.Keys(needed)) {
			r.Print("need key %s: %d objects, %d other files", key, done.Keys[key], done.Others[key])
		}
		if err != nil {
			return jobs.Result{Exit: exitFault, Reason: err.Error()}
		}
		return jobs.Result{}
	}
}

// scrubParams is how many bytes a second a job reads, 0 for as many as it can,
// and whether it seals anew.
func scrubParams(params map[string]string) (rate int64, reseal bool, err error) {
	for name, value := range params {
		switch name {
		case "rate":
			n, ok := config.ParseSize(value)
			if !ok || n < 1 {
				return 0, false, fmt.Errorf("parameter rate: %q is no size, such as 20MiB", value)
			}
			rate = n
		case "reseal":
			if value != "yes" && value != "no" {
				return 0, false, fmt.Errorf("parameter reseal: %q is neither yes nor no", value)
			}
			reseal = value == "yes"
		default:
			return 0, false, fmt.Errorf("there is no parameter %q: there are rate, reseal", name)
		}
	}
	return rate, reseal, nil
}
