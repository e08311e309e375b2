//go:build linux

package faults

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"syscall"
	"testing"
	"time"

	"freshet/fleet"
	"freshet/internal/control"
	"freshet/jobs"
)

// lose has the power go at a moment, starts the hub on what is left, and compares
// it with what was known outside; what is wrong.
func (r *run) lose(t *testing.T, name string, moment time.Time, l law, random *rand.Rand, total *tally) (faults []string) {
	t.Helper()
	seed := random.Uint64()
	data := filepath.Join(r.s.dir, name)
	leave := func(dir string) {
		if err := r.disk.after(moment, l, rand.New(rand.NewPCG(seed, 0))).put(r.disk, dir); err != nil {
			t.Fatal(err)
		}
	}
	leave(data)
	defer os.RemoveAll(data)
	defer func() {
		if faults != nil && *keep != "" && !l.lies {
			leave(filepath.Join(*keep, fmt.Sprint(name, "-", seed)))
		}
	}()
	wrong := func(format string, args ...any) { faults = append(faults, fmt.Sprintf(format, args...)) }
	h := &node{name: name, ready: r.s.hub.ready, args: slices.Clone(r.s.hub.args)}
	for i, arg := range h.args {
		switch arg {
		case r.s.datas[0]:
			h.args[i] = data
		case r.origin.at("hub"):
			h.args[i] = r.origin.at(name)
		}
	}
	defer h.end(syscall.SIGKILL)
	if _, err := h.start(); err != nil {
		return []string{err.Error()}
	}
	total.losses++
	state, err := r.compare(t, data, moment, total, wrong)
	if err != nil {
		wrong("what the hub says: %v: %s", err, h.said)
		return faults
	}
	r.origin.compare(t, name, r.floor(moment, total), total, wrong)
	if err := h.again(0); err != nil {
		wrong("a second start: %v", err)
		return faults
	}
	again, err := r.compare(t, data, moment, &tally{}, func(string, ...any) {})
	if err != nil || again != state {
		wrong("before the hub is killed, and after: %v\n%s\n%s", err, state, again)
	}
	if faults != nil {
		wrong("%s", h.said)
	}
	return faults
}

// compare compares the queue with what was known of it outside; all that the
// queue says.
func (r *run) compare(t *testing.T, data string, moment time.Time, total *tally, wrong func(string, ...any)) (state string, err error) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), startWithin)
	defer cancel()
	socket, err := control.Find(data, "")
	if err != nil {
		return "", err
	}
	c := &fleet.Client{Send: socket.Send, Refused: socket.Refused}
	page, err := c.Jobs(ctx, jobs.Filter{N: 1000})
	for ; errors.Is(err, fleet.ErrNoQueue) && ctx.Err() == nil; time.Sleep(20 * time.Millisecond) {
		page, err = c.Jobs(ctx, jobs.Filter{N: 1000})
	}
	for err == nil && page.Next != "" { // a page has so many bytes at most
		var more jobs.Page
		more, err = c.Jobs(ctx, jobs.Filter{N: 1000, After: page.Next})
		page.Jobs, page.Next = append(page.Jobs, more.Jobs...), more.Next
	}
	if err != nil {
		return "", err
	}
	said := map[jobs.ID][]jobs.TaskInfo{}
	keys := map[string]jobs.ID{}
	for _, info := range page.Jobs {
		if said[info.ID], err = c.Tasks(ctx, info.ID, jobs.TaskFilter{}); err != nil {
			return "", err
		}
		if other := keys[info.Spec.Key]; other != "" {
			wrong("%s and %s are both %s", info.ID, other, info.Spec.Key)
		}
		keys[info.Spec.Key] = info.ID
	}
	for _, a := range r.heard {
		if a.at.After(moment) {
			break
		}
		if a.key != "" {
			total.submitted++
			if keys[a.key] != a.job {
				wrong("%s was submitted as %s, and is %q", a.key, a.job, keys[a.key])
			}
		}
		for _, was := range a.tasks {
			if total.tasks++; a.begun {
				total.begun++
			}
			i := slices.IndexFunc(said[a.job], func(is jobs.TaskInfo) bool { return is.Task == was.Task })
			if i < 0 {
				wrong("task %d of %s is not known", was.Task, a.job)
				continue
			}
			is := said[a.job][i]
			if is.Attempt < was.Attempt {
				wrong("task %d of %s: attempt %d, it had come to %d", was.Task, a.job, is.Attempt, was.Attempt)
			}
			if !a.begun && was.State >= jobs.Succeeded && (is.State != was.State || is.Attempt != was.Attempt || !is.Ended.Equal(was.Ended)) {
				wrong("task %d of %s was shown as %+v, and is %+v", was.Task, a.job, was, is)
			}
		}
	}
	text, err := json.Marshal(map[string]any{"jobs": page, "tasks": said})
	return string(text), err
}

// floor is what was purged at a moment.
func (r *run) floor(moment time.Time, total *tally) map[string]int {
	floor := map[string]int{}
	for _, a := range r.heard {
		if a.floor == nil || a.at.After(moment) {
			continue
		}
		total.purges++
		for path, version := range a.floor {
			floor[path] = max(floor[path], version)
		}
	}
	return floor
}
