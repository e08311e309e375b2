package worker

import (
	"context"
	"fmt"
	"runtime/debug"
	"time"

	"freshet/jobs"
)

// Reporter is how a task that is a function says what it does.
type Reporter interface {
	// Progress says how far it is, from 0 to 1, and what it does.
	Progress(fraction float64, message string)
	// Print adds a line to the output of the task.
	Print(format string, args ...any)
}

type reporter struct{ h *holding }

func (r reporter) Progress(fraction float64, message string) {
	if fraction >= 0 && fraction <= 1 {
		r.h.progress.set(jobs.Progress{Fraction: fraction, Message: oneLine(message)})
	}
}

func (r reporter) Print(format string, args ...any) {
	r.h.log.line(Stdout, fmt.Appendf(nil, format, args...))
}

// builtin runs a task that is a function.
func (h *holding) builtin(kind string) jobs.Result {
	f := h.w.o.Kinds[kind]
	if f == nil {
		return lost("worker %s has no kind of task called %q", h.w.o.Node, kind)
	}
	h.w.well()
	if d := h.task.Spec.Timeout; d > 0 {
		defer time.AfterFunc(d, func() { h.end(timedOut(d)) }).Stop()
	}
	r, over := h.call(f)
	// What ended by itself did not notice that it should.
	if over && (r.OK() || h.ctx.Err() == nil) {
		return r
	}
	r, _ = h.interrupted(r)
	return r
}

// call calls the function on a goroutine of its own, which may end as it likes;
// over: it returned.
func (h *holding) call(f Kind) (r jobs.Result, over bool) {
	done := make(chan struct{})
	go func() {
		defer close(done)
		defer func() {
			if over {
				return
			}
			r = jobs.Result{Exit: -1, Reason: "its goroutine was ended"}
			over = true
			if p := recover(); p != nil {
				r.Reason = oneLine(fmt.Sprintf("panic: %v", p))
				h.complain("a kind of task panicked", fmt.Errorf("%v\n%s", p, debug.Stack()))
			}
		}()
		ctx, cancel := context.WithCancel(h.ctx)
		defer cancel()
		r, over = f(ctx, h.task, reporter{h}), true
	}()
	<-done
	return r, over
}

// timedOut says after how long, and is ErrTimeout.
func timedOut(d time.Duration) error { return timeoutError(d) }

type timeoutError time.Duration

func (e timeoutError) Error() string {
	return fmt.Sprintf("%v after %s", ErrTimeout, shortly(time.Duration(e)))
}

func (e timeoutError) Is(target error) bool { return target == ErrTimeout }
