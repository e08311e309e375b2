package app

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os/user"
	"path/filepath"
	"regexp"
	"strings"
	"time"

	"freshet/fleet"
	"freshet/internal/config"
	"freshet/jobs"
)

// job submits jobs to a running server, or looks after them.
func (e *Env) job(args []string) int {
	c, err := config.ParseJob(args, e.Environ)
	if err != nil {
		return e.misused("job", err)
	}
	j := &jobCommand{Env: e, conf: c}
	if c.Verb == "submit" {
		if j.spec, err = j.described(); err != nil {
			return e.fault(err) // whether there is a server or not
		}
	}
	server, err := reach(e, &c.Reach)
	if err != nil {
		return e.fault(err)
	}
	ctx, stop := e.untilSignal()
	defer stop()
	j.queue = &fleet.Client{Send: server.Send, Refused: server.Refused}
	if err = j.do(ctx); errors.Is(err, errUnsuccessful) {
		return exitFault // it was told
	}
	return e.result(err)
}

// jobCommand is a run of freshet job.
type jobCommand struct {
	*Env
	conf  *config.Job
	spec  *jobs.Spec // of submit
	queue *fleet.Client
}

// errUnsuccessful ends a wait for jobs of which one has not succeeded.
var errUnsuccessful = errors.New("not all have succeeded")

func (j *jobCommand) do(ctx context.Context) error {
	tasks, err := jobs.ParseArray(j.conf.Tasks)
	if err != nil {
		return fmt.Errorf("--tasks: %w", err)
	}
	switch j.conf.Verb {
	case "submit":
		return j.submit(ctx)
	case "list":
		return j.list(ctx)
	case "show":
		return j.show(ctx, tasks)
	case "logs":
		return j.logs(ctx, tasks)
	case "wait":
		return j.wait(ctx, j.conf.IDs)
	case "cancel":
		return j.each(func(id jobs.ID) error { return j.queue.Cancel(ctx, id, tasks) })
	case "retry":
		return j.each(func(id jobs.ID) error { return j.queue.Retry(ctx, id, tasks) })
	case "pause":
		return j.each(func(id jobs.ID) error { return j.queue.Pause(ctx, id, true) })
	}
	return j.each(func(id jobs.ID) error { return j.queue.Pause(ctx, id, false) })
}

// each does something to all jobs that were named, and tells what could not be
// done.
func (j *jobCommand) each(do func(jobs.ID) error) error {
	failed := 0
	for _, id := range j.conf.IDs {
		if err := do(jobs.ID(id)); err != nil {
			failed++
			j.tell("freshet: job %s: %v", id, err)
		}
	}
	if failed > 0 {
		return errUnsuccessful
	}
	return nil
}

// submit prints the job's ID.
func (j *jobCommand) submit(ctx context.Context) error {
	spec := j.spec
	inputs, err := readInputs(ctx, j.conf.Inputs)
	if err != nil {
		return err
	}
	if spec.Files = inputs.files; len(spec.Files) > 0 {
		if err = spec.Check(); err == nil {
			err = inputs.send(ctx, j)
		}
		if err != nil {
			return err
		}
	}
	ids, err := j.queue.Submit(ctx, *spec)
	if err != nil {
		return err
	}
	if j.conf.JSON {
		if err := j.print(map[string]jobs.ID{"id": ids[0]}); err != nil {
			return err
		}
	} else {
		fmt.Fprintf(j.Stdout, "%s\n", ids[0])
	}
	if j.conf.Wait {
		return j.wait(ctx, []string{string(ids[0])})
	}
	return nil
}

// described makes the job that the command line describes.
func (j *jobCommand) described() (*jobs.Spec, error) {
	c := j.conf
	array, err := jobs.ParseArray(c.Array)
	if err != nil {
		return nil, fmt.Errorf("--array: %w", err)
	}
	s := &jobs.Spec{Name: c.Name, Owner: c.Owner, Pool: c.Pool, Kind: c.Kind, Command: c.Command, Env: c.Env,
		Array: array, Timeout: c.Timeout, Retries: int(c.Retries), Backoff: c.Backoff, Priority: int(c.Priority), Preempt: c.Preempt, NoPreempt: c.Stays,
		AfterAny: c.AfterAny, Outputs: c.Outputs, Schedule: c.Schedule, Zone: c.Zone, Progress: c.Progress}
	if s.Owner == "" {
		s.Owner = j.userName()
	}
	if s.Name == "" && s.Kind == "" && len(s.Command) > 0 {
		s.Name = filepath.Base(s.Command[0])
	}
	if c.Dir != "" {
		if s.Dir, err = filepath.Abs(c.Dir); err != nil {
			return nil, err
		}
	}
	for _, id := range c.After {
		s.After = append(s.After, jobs.ID(id))
	}
	s.Params, s.Needs = pairs(c.Params), pairs(c.Needs)
	operands(s)
	if err := checkKind(s); err != nil {
		return nil, err
	}
	return s, s.Check()
}

// pairs makes a map of NAME=VALUE; a name alone has the value "".
func pairs(list []string) map[string]string {
	if len(list) == 0 {
		return nil
	}
	m := make(map[string]string, len(list))
	for _, p := range list {
		name, value, _ := strings.Cut(p, "=")
		m[name] = value
	}
	return m
}

// userName is who types the command, "" when nobody knows.
func (e *Env) userName() string {
	if name := e.variable("USER"); name != "" {
		return name
	}
	if u, err := user.Current(); err == nil {
		return u.Username
	}
	return ""
}

// wait returns when jobs are over, and tells of each that has not succeeded.
func (j *jobCommand) wait(ctx context.Context, ids []string) error {
	bad := false
	for _, id := range ids {
		info, err := j.queue.Wait(ctx, jobs.ID(id))
		if err != nil {
			return fmt.Errorf("wait for job %s: %w", id, err)
		}
		if j.conf.JSON {
			if err := j.print(&info); err != nil {
				return err
			}
		}
		if info.State != jobs.Succeeded {
			bad = true
			j.tell("freshet: job %s: %s", id, outcome(&info))
		}
	}
	if bad {
		return errUnsuccessful
	}
	return nil
}

// outcome says what has become of a job that did not succeed.
func outcome(info *jobs.Info) string {
	text := info.State.String()
	if total := info.Counts.Total(); total > 1 {
		text = fmt.Sprintf("%s (%d of %d tasks)", text, info.Counts.Of(info.State), total)
	}
	if info.Reason != "" {
		text += ": " + info.Reason
	}
	return text + "; see freshet job logs " + string(info.ID)
}

// logs prints what tasks have written: of one task as it is, of several below a
// line that names the task.
func (j *jobCommand) logs(ctx context.Context, only jobs.Array) error {
	id := jobs.ID(j.conf.IDs[0])
	offsets := map[int64]int64{}
	for {
		info, err := j.queue.Job(ctx, id)
		if err != nil {
			return err
		}
		if err := j.logsOnce(ctx, &info, only, offsets); err != nil || !j.conf.Follow || info.State.Final() {
			return err
		}
		select {
		case <-ctx.Done():
			return nil
		case <-time.After(time.Second):
		}
	}
}

// logsOnce prints what is new.
func (j *jobCommand) logsOnce(ctx context.Context, info *jobs.Info, only jobs.Array, offsets map[int64]int64) error {
	if only.IsZero() {
		begun := []jobs.State{jobs.Running, jobs.Succeeded, jobs.Failed, jobs.Cancelled, jobs.Dead}
		list, err := j.queue.Tasks(ctx, info.ID, jobs.TaskFilter{States: begun, N: mostLogs + 1})
		if err != nil {
			return err
		}
		if len(list) > mostLogs {
			return fmt.Errorf("job %s has more than %d tasks with output; say which with --tasks", info.ID, mostLogs)
		}
		var numbers []int64
		for i := range list {
			numbers = append(numbers, list[i].Task)
		}
		only = jobs.Numbers(numbers...)
	}
	for task := range only.All {
		if err := j.logOf(ctx, info.ID, task, only.Len() > 1, offsets); err != nil {
			return err
		}
	}
	return nil
}

// mostLogs is of how many tasks the output is shown that were not asked for.
const mostLogs = 500

// logOf prints what a task has written since the last time.
func (j *jobCommand) logOf(ctx context.Context, id jobs.ID, task int64, several bool, offsets map[int64]int64) error {
	for first := true; ; first = false {
		text, err := j.queue.Log(ctx, id, task, offsets[task])
		if err != nil || len(text) == 0 {
			return err
		}
		if several && first {
			fmt.Fprintf(j.Stdout, "== task %d\n", task)
		}
		offsets[task] += int64(len(text))
		if _, _, terminal := j.screen()(); terminal {
			text = tamed(text)
		}
		if _, err := j.Stdout.Write(text); err != nil {
			return err
		}
	}
}

// colour is what sets colours and weights of text on a terminal.
var colour = regexp.MustCompile("\x1b\\[[0-9;:]{0,40}m")

// tamed is output without what a terminal would obey, but for colours: whoever
// wrote it does not type, or write elsewhere on the screen.
func tamed(text []byte) []byte {
	plain := func(b []byte) []byte {
		return bytes.Map(func(r rune) rune {
			if r == '\n' || r == '\t' {
				return r
			}
			return harmless(r)
		}, b)
	}
	var out []byte
	for {
		at := colour.FindIndex(text)
		if at == nil {
			return append(out, plain(text)...)
		}
		out = append(append(out, plain(text[:at[0]])...), text[at[0]:at[1]]...)
		text = text[at[1]:]
	}
}
