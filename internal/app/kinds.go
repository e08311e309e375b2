package app

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"freshet/cache"
	"freshet/internal/config"
	"freshet/internal/control"
	"freshet/internal/worker"
	"freshet/jobs"
)

// kinds are the kinds of work that need this server, beside those that any
// worker has.
func (s *service) kinds() map[string]worker.Kind {
	all := map[string]worker.Kind{}
	if s.content.purger != nil {
		all["purge"] = purgeKind(s.content.purger)
	}
	if s.content.store != nil && s.content.store.Scrubs() {
		all["scrub"] = scrubKind(s.content.store)
	}
	return all
}

// operands gives a job of a kind of work what stands behind it on the command
// line: addresses.
func operands(s *jobs.Spec) {
	if s.Kind == "" || len(s.Command) == 0 {
		return
	}
	if s.Params == nil {
		s.Params = map[string]string{}
	}
	s.Params["urls"], s.Command = strings.Join(s.Command, " "), nil
}

// purgeKind is a kind of task that purges. Its parameters are the flags of
// freshet purge: urls, tags, hosts and prefixes, white space between them; where,
// one condition a line; all and soft, which are yes or no. The receipt has the
// name of the task, so that a task that is run again, because nobody knows how
// its first run ended, purges nothing that was stored since then.
func purgeKind(p control.Purger) worker.Kind {
	return func(_ context.Context, t *jobs.Task, r worker.Reporter) jobs.Result {
		q, err := purgeOfJob(t)
		if err != nil {
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

// purgeOfJob is what a task asks for.
func purgeOfJob(t *jobs.Task) (*control.Request, error) {
	q := &control.Request{ID: "job-" + string(t.Job) + "-" + strconv.FormatInt(t.Task, 10)}
	var faults []error
	yes := func(name, value string) bool {
		if value != "yes" && value != "no" {
			faults = append(faults, fmt.Errorf("parameter %s: %q is neither yes nor no", name, value))
		}
		return value == "yes"
	}
	for name, value := range t.Spec.Params {
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
	return q, errors.Join(faults...)
}

// scrubKind is a kind of task that reads back what a cache has on disk, and
// removes what is not what was written; its parameter rate, such as 20MiB, is
// how much it reads a second. A task that is run again begins anew. That
// something had to be removed is no failure: it is in the output, and was an
// answer that an origin has.
func scrubKind(s *cache.Store) worker.Kind {
	return func(ctx context.Context, t *jobs.Task, r worker.Reporter) jobs.Result {
		rate := int64(0)
		for name, value := range t.Spec.Params {
			n, ok := config.ParseSize(value)
			switch {
			case name != "rate":
				return jobs.Result{Exit: exitUsage, Reason: fmt.Sprintf("there is no parameter %q: there is rate", name)}
			case !ok || n < 1:
				return jobs.Result{Exit: exitUsage, Reason: fmt.Sprintf("parameter rate: %q is no size, such as 20MiB", value)}
			}
			rate = n
		}
		done, err := s.Scrub(ctx, rate, func(done, all int64) {
			r.Progress(float64(done)/float64(all), fmt.Sprintf("%d of %d objects", done, all))
		})
		r.Print("%d objects, %d bytes of bodies were read back; removed, because they were not what was written: %d", done.Objects, done.Bytes, done.Removed)
		if err != nil {
			return jobs.Result{Exit: exitFault, Reason: err.Error()}
		}
		return jobs.Result{}
	}
}
