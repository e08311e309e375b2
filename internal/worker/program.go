package worker

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"os"
	"regexp"
	"strings"
	"sync"
	"syscall"
	"time"

	"freshet/internal/child"
	"freshet/jobs"
)

// heardFor is how long what a program has printed is still read when it is
// gone: only what escaped it, and holds the pipe, can make that last.
const heardFor = 10 * time.Second

// program runs a task that is a program, from its folder to its outputs.
func (h *holding) program() jobs.Result {
	s := &h.task.Spec
	if len(s.Command) == 0 || s.Command[0] == "" {
		return refused(exitNotExecutable, "the job names no program")
	}
	outputs := expandAll(s.Outputs, h.task.Task)
	if err := checkOutputs(outputs); err != nil {
		return refused(exitNotExecutable, "%v", err)
	}
	if len(outputs) > 0 && h.w.o.Files == nil {
		return lost("outputs: worker %s has no store for files", h.w.o.Node)
	}
	var progress seeker
	if s.Progress != "" {
		var err error
		if progress.pattern, err = regexp.Compile(s.Progress); err != nil || progress.pattern.NumSubexp() < 1 {
			return refused(exitNotExecutable, "the pattern of progress is none, or has no group: %v", err)
		}
	}
	p, err := h.w.base.make()
	if err != nil {
		return h.broken("make a folder to work in", err)
	}
	defer func() {
		if err := p.remove(); err != nil {
			h.complain("cannot remove the folder of a task", err)
		}
	}()
	if err := h.inputs(p); err != nil {
		return h.notReady(err)
	}
	dir, made := p.work, p.root
	if s.Dir != "" {
		if dir, made, err = h.w.workIn(s.Dir); err != nil {
			return refused(exitNotExecutable, "work in %s: %v", s.Dir, err)
		}
		defer made.Close()
	}
	if err := p.handOver(); err != nil {
		return h.broken("give a folder to the program's user", err)
	}
	r, ended := h.execute(p, dir, progress)
	if !ended || !r.OK() || len(outputs) == 0 {
		return r
	}
	if err := h.outputs(made, outputs); err != nil {
		var s storeError
		r.Reason, r.Exit, r.Lost = err.Error(), exitOutputs, errors.As(err, &s)
		r, _ = h.interrupted(r)
	}
	return r
}

// notReady is a task whose inputs are not there.
func (h *holding) notReady(err error) jobs.Result {
	if r, yes := h.interrupted(jobs.Result{Exit: -1}); yes {
		return r
	}
	switch {
	case errors.Is(err, errSpec), errors.Is(err, ErrInput):
		return refused(exitNotExecutable, "%v", err)
	case errors.Is(err, errOurs):
		return h.broken("fetch inputs", err)
	}
	return lost("%v", err)
}

// execute starts the program, and waits until it is gone and all that it
// printed was read. ended says whether it came to its own end.
func (h *holding) execute(p *place, dir string, progress seeker) (r jobs.Result, ended bool) {
	if r, yes := h.interrupted(jobs.Result{Exit: -1}); yes {
		return r, false
	}
	pipes, err := openPipes(h.w.user)
	if err != nil {
		return h.broken("make pipes", err), false
	}
	defer pipes.close()
	process, r := h.start(p, dir, pipes)
	pipes.closeTheirs()
	if process == nil {
		return r, false
	}
	h.w.well()
	h.pid.Store(int64(process.Pid()))
	begun := time.Now()
	var hearing sync.WaitGroup
	h.hear(&hearing, pipes, progress)
	cause := h.await(process)
	wall := time.Since(begun)
	h.pid.Store(0)
	pipes.deadline(time.Now().Add(heardFor))
	hearing.Wait()

	r = resultOf(process.Wait())
	r.Usage.Wall = wall
	if n := process.Wait().Leftovers; n > 0 {
		h.log.note(fmt.Sprintf("processes that it left behind were ended: %d", n))
	}
	if cause != nil {
		r, _ = h.interrupted(r)
	}
	return r, cause == nil
}

// start starts the program; without one the result says why.
func (h *holding) start(p *place, dir string, pipes *pipes) (*child.Process, jobs.Result) {
	mark := fmt.Sprintf("%s.%d.%d.%s", h.task.Job, h.task.Task, h.task.Attempt, rand.Text())
	words := expandAll(h.task.Spec.Command, h.task.Task)
	env := h.w.environment(h.task, p, mark)
	path, err := lookPath(words[0], dir, env)
	if err != nil {
		h.w.well()
		return nil, refused(exitNotFound, "%v", err)
	}
	process, err := h.w.spawner.Start(&child.Command{Path: path, Args: words, Env: env, Dir: dir, Files: pipes.theirs(), Mark: mark})
	if err == nil {
		return process, jobs.Result{}
	}
	exit := startStatus(err)
	if exit == 0 {
		return nil, h.broken("start a program", err)
	}
	h.w.well()
	return nil, refused(exit, "%s", startReason(path, err))
}

// startStatus is what a shell would end with, when a program cannot be started
// because of what it is; 0: because of us.
func startStatus(err error) int {
	for _, e := range []error{syscall.ENOENT, syscall.ENOTDIR, syscall.ELOOP, syscall.ENAMETOOLONG} {
		if errors.Is(err, e) {
			return exitNotFound
		}
	}
	for _, e := range notExecutable {
		if errors.Is(err, e) {
			return exitNotExecutable
		}
	}
	return 0
}

// startReason says what is wrong with a program.
func startReason(path string, err error) string {
	if errors.Is(err, syscall.ENOENT) {
		if _, there := os.Stat(path); there == nil {
			return fmt.Sprintf("%v: the file is there; what it names to run it (#!), or the folder, is not", err)
		}
	}
	return err.Error()
}

// await waits until the program is gone, and ends it when its time has come;
// then it returns why.
func (h *holding) await(process *child.Process) (cause error) {
	if d := h.task.Spec.Timeout; d > 0 {
		defer time.AfterFunc(d, func() { h.end(timedOut(d)) }).Stop()
	}
	select {
	case <-process.Done():
		return nil
	case <-h.ctx.Done():
	}
	select {
	case <-process.Done(): // before it was to end, or at that moment: it came to its own end
		return nil
	default:
	}
	if h.ours.Err() == nil {
		process.Terminate()
	}
	select {
	case <-process.Done():
	case <-h.ours.Done(): // somebody else may be running it
		process.Kill()
		<-process.Done()
	}
	return context.Cause(h.ctx)
}

// resultOf is how a program ended.
func resultOf(c child.Result) jobs.Result {
	r := jobs.Result{Exit: c.Exit, Usage: jobs.Usage{CPU: c.User + c.System, MaxRSS: c.MaxRSS}}
	if c.Exit < 0 {
		r.Signal = signalName(c.Signal)
	}
	return r
}

// hear reads what the program prints.
func (h *holding) hear(hearing *sync.WaitGroup, pipes *pipes, progress seeker) {
	for i, stream := range []Stream{Stdout, Stderr} {
		s := splitter{line: func(text []byte, part bool) {
			if progress.pattern != nil {
				if found, ok := progress.find(text); ok {
					h.progress.set(found)
				}
			}
			h.log.add(Line{Stream: stream, Text: text, Part: part})
		}}
		hearing.Go(func() {
			drain(pipes.ours[i], func(b []byte) {
				h.log.raw(b)
				s.Write(b)
			})
			s.Close()
		})
	}
	if pipes.ours[2] == nil {
		return
	}
	s := splitter{}
	long := false
	s.line = func(text []byte, part bool) {
		if !long && !part {
			if found, ok := parseProgress(strings.ToValidUTF8(string(text), "?")); ok {
				h.progress.set(found)
			}
		}
		long = part
	}
	hearing.Go(func() {
		drain(pipes.ours[2], s.Write)
		s.Close()
	})
}

// drain reads a pipe to its end, or its deadline.
func drain(f *os.File, take func([]byte)) {
	buf := make([]byte, 32<<10)
	for {
		n, err := f.Read(buf)
		if n > 0 {
			take(buf[:n])
		}
		if err != nil {
			return
		}
	}
}
