package fleet

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"freshet/internal/worker"
	"freshet/jobs"
)

// logsOver opens logs in an empty folder over objects. The test closes them.
func logsOver(t *testing.T, o objects) *Logs {
	t.Helper()
	l, err := OpenLogs(t.TempDir(), testRing(), elsewhereOf(t, o))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		l.behind.away.yield()
		l.Close()
	})
	return l
}

// say writes a line.
func (l *Logs) say(t *testing.T, job jobs.ID, task int64, run int, text string) {
	t.Helper()
	if err := l.Append(t.Context(), jobs.Lease{Job: job, Task: task, Attempt: run}, []worker.Line{{Text: []byte(text)}}); err != nil {
		t.Fatal(err)
	}
}

func (l *Logs) text(t *testing.T, job jobs.ID, task int64) string {
	t.Helper()
	text, _, err := l.Read(job, task, 0, maxLogPart)
	if err != nil {
		t.Error(err)
	}
	return string(text)
}

// What is written is elsewhere soon after nobody writes any more, and every few
// seconds while somebody does.
func TestLogsBehind(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o := newFake()
		l := logsOver(t, o)
		l.say(t, "j", 1, 1, "one")
		time.Sleep(2 * time.Second)
		synctest.Wait()
		if got := string(o.content["log/j/1"]); got != "one\n" || o.counted("put") != 1 {
			t.Errorf("%q, %d puts", got, o.counted("put"))
		}
		time.Sleep(time.Hour)
		if o.counted("put") != 1 {
			t.Errorf("%d puts, and nobody writes", o.counted("put"))
		}
		for n := range 60 {
			l.say(t, "j", 1, 1, fmt.Sprint(n))
			time.Sleep(500 * time.Millisecond)
			synctest.Wait()
			at := max(0, n-11) // within 5 s and a half
			if got := string(o.content["log/j/1"]); n > 11 && !strings.Contains(got, fmt.Sprintf("\n%d\n", at)) {
				t.Errorf("%d is not there after %d", at, n)
			}
		}
		if n := o.counted("put"); n > 10 {
			t.Errorf("%d puts in 30 s", n)
		}
		if err := l.Close(); err != nil || string(o.content["log/j/1"]) != l.text(t, "j", 1) {
			t.Errorf("%v; %q", err, o.content["log/j/1"])
		}
		again := logsOver(t, o)
		if text, before, err := again.Tail("j", 1, 3); string(text) != "59\n" || before == 0 || err != nil {
			t.Errorf("%q, %d, %v", text, before, err)
		}
		if got := again.text(t, "j", 2); got != "" || o.counted("get") != 1 {
			t.Errorf("%q, %d gets", got, o.counted("get"))
		}
		more := logsOver(t, o)
		more.say(t, "j", 1, 2, "again")
		if got := more.text(t, "j", 1); !strings.HasSuffix(got, "59\n-- run 2\nagain\n") || !strings.HasPrefix(got, "one\n") {
			t.Errorf("%q", got)
		}
	})
}

// The outputs of many short tasks are few objects, each of which is found, also
// after it was written again.
func TestLogsOfManyTasks(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o := newFake()
		const many = 2000
		long := strings.Repeat("x", 2000)
		l := logsOver(t, o)
		for task := range int64(many) {
			l.say(t, "j", task, 1, long)
		}
		l.say(t, "j", many, 1, strings.Repeat(long, 20))
		l.say(t, "k", 5, 1, "alone")
		time.Sleep(2 * time.Second)
		synctest.Wait()
		if n := o.counted("put"); n != 4+2 {
			t.Errorf("%d puts: %q", n, o.keys())
		}
		l.say(t, "j", 7, 2, "more") // is written whole, on its own
		if err := l.Close(); err != nil {
			t.Error(err)
		}
		if n := o.counted("put"); n != 7 || !strings.HasSuffix(string(o.content["log/j/7"]), "-- run 2\nmore\n") {
			t.Errorf("%d puts: %q", n, o.keys())
		}

		l = logsOver(t, o)
		for _, task := range []int64{0, 1, 8, 1000, many - 1} {
			if got := l.text(t, "j", task); got != long+"\n" {
				t.Errorf("task %d: %d bytes", task, len(got))
			}
		}
		if n := o.counted("get"); n != 3 {
			t.Errorf("%d gets", n)
		}
		if got := l.text(t, "j", 7); got != long+"\n-- run 2\nmore\n" {
			t.Errorf("%d bytes", len(got))
		}
		if got := len(l.text(t, "j", many)); got != 40001 {
			t.Errorf("%d bytes", got)
		}
		l.say(t, "j", 8, 2, "more")
		l.say(t, "j", 9, 2, "more")
		l.say(t, "j", many+1, 1, "new")
		l.say(t, "j", many+2, 1, "new")
		if err := l.Close(); err != nil {
			t.Error(err)
		}
		l = logsOver(t, o)
		for _, task := range []int64{7, 8, 9} {
			if got := l.text(t, "j", task); got != long+"\n-- run 2\nmore\n" {
				t.Errorf("task %d: %d bytes", task, len(got))
			}
		}
		if got := l.text(t, "j", many+2); got != "new\n" {
			t.Errorf("%q", got)
		}
		if ids, err := l.kept(); err != nil || fmt.Sprint(ids) != "[j k]" {
			t.Errorf("%v, %v", ids, err)
		}
		l.say(t, "j", 3, 9, "late") // and is not put after it was forgotten
		if err := l.forget("j"); err != nil {
			t.Error(err)
		}
		time.Sleep(time.Minute)
		synctest.Wait()
		if list := o.keys(); len(list) != 1 || list[0] != "log/k/5" {
			t.Errorf("%q", list)
		}
		if got := l.text(t, "j", 7); got != "" {
			t.Errorf("%d bytes", len(got))
		}
	})
}

// While nothing can be put what is written waits, and then who writes does; all
// of it is there afterwards.
func TestLogsThatCannotBeKept(t *testing.T) {
	for _, f := range []fault{fails, unheard, hangs, lateHang} {
		synctest.Test(t, func(t *testing.T) {
			o := newFake()
			o.set("put", f)
			l := logsOver(t, o)
			l.behind.most = 3
			for task := range int64(3) {
				l.say(t, "j", task, 1, "text")
			}
			l.say(t, "j", 2, 1, "more")
			ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
			defer cancel()
			fourth := jobs.Lease{Job: "j", Task: 4, Attempt: 1}
			line := []worker.Line{{Text: []byte("text")}}
			if err := l.Append(ctx, fourth, line); err == nil || !strings.Contains(err.Error(), "3 tasks") {
				t.Errorf("fault %d: %v", f, err)
			}
			time.AfterFunc(time.Second, func() { o.set("", well) })
			if err := l.Append(t.Context(), fourth, line); err != nil {
				t.Errorf("fault %d: %v", f, err)
			}
			o.set("put", f)
			l.say(t, "j", 4, 1, "end")
			begun := time.Now()
			if err := l.Close(); err == nil || time.Since(begun) > closeWithin+putAgain {
				t.Errorf("fault %d: %v after %v", f, err, time.Since(begun))
			}
			o.set("", well)
			again := logsOver(t, o)
			if got := again.text(t, "j", 2); got != "text\nmore\n" {
				t.Errorf("fault %d: %q", f, got)
			}
		})
	}
}

// What cannot be fetched is neither read nor written to.
func TestLogsThatCannotBeFetched(t *testing.T) {
	for _, f := range []fault{fails, hangs, other, short} {
		synctest.Test(t, func(t *testing.T) {
			o := newFake()
			l := logsOver(t, o)
			l.say(t, "j", 1, 1, "text")
			l.say(t, "j", 2, 1, "text") // both in a pack
			l.say(t, "k", 1, 1, "text") // on its own
			l.Close()
			l = logsOver(t, o)
			o.set("get", f)
			for _, job := range []jobs.ID{"j", "k"} {
				if _, _, err := l.Read(job, 1, 0, 10); err == nil {
					t.Errorf("fault %d, %s: no error", f, job)
				}
				if _, _, err := l.Tail(job, 1, 10); err == nil {
					t.Errorf("fault %d, %s: no error", f, job)
				}
				if err := l.Append(t.Context(), jobs.Lease{Job: job, Task: 1, Attempt: 2}, nil); err == nil {
					t.Errorf("fault %d, %s: no error", f, job)
				}
			}
			o.set("", well)
			for _, job := range []jobs.ID{"j", "k"} {
				l.say(t, job, 1, 2, "more")
				if got := l.text(t, job, 1); got != "text\n-- run 2\nmore\n" {
					t.Errorf("fault %d, %s: %q", f, job, got)
				}
			}
		})
	}
}

// What waits when another server leads is not put over what that one puts.
func TestLogsYield(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o := newFake()
		l := logsOver(t, o)
		l.say(t, "j", 1, 1, "text")
		l.behind.away.yield()
		begun := time.Now()
		if err := l.Close(); err == nil || time.Since(begun) > time.Second || o.counted("put") != 0 {
			t.Errorf("%v after %v, %d puts", err, time.Since(begun), o.counted("put"))
		}
	})
}

// A pack that was damaged is an error, whatever is in it.
func FuzzPack(f *testing.F) {
	f.Add("1 3\nabc7 0\n8 1\na")
	f.Add("1 9\nabc")
	f.Add("1 99999999999\n")
	f.Add("1")
	f.Fuzz(func(t *testing.T, text string) {
		o := newFake()
		o.content["log/j/1-9.1"] = []byte(text)
		l := logsOver(t, o)
		l.Read("j", 7, 0, 10)
		if p, ok := packNamed(text); ok && (p.name() != text || p.first > p.last) {
			t.Errorf("%q: %+v", text, p)
		}
	})
}
