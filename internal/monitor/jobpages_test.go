package monitor

import (
	"context"
	"encoding/json"
	"fmt"
	"net/url"
	"strings"
	"testing"
	"time"

	"freshet/jobs"
)

// queueFixture is a monitor of a queue, with what a test says that tasks wrote.
type queueFixture struct {
	*fixture
	queue jobs.Queue
	wrote map[int64]string
}

func newQueueFixture(t testing.TB) *queueFixture {
	t.Helper()
	log, err := jobs.OpenFileLog(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	queue, err := jobs.New(t.Context(), log, jobs.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := queue.Close(context.Background()); err != nil {
			t.Error(err)
		}
		if err := log.Close(); err != nil {
			t.Error(err)
		}
	})
	f := &queueFixture{queue: queue, wrote: map[int64]string{}}
	f.fixture = newFixture(t, func(o *Options) {
		o.Jobs = queue
		o.JobLog = func(_ jobs.ID, task int64, n int) ([]byte, int64, error) { return []byte(f.wrote[task]), 0, nil }
		o.ReadJobLog = func(_ jobs.ID, task, from int64, n int) ([]byte, int64, error) {
			text := f.wrote[task]
			text = text[min(int(from), len(text)):]
			text = text[:min(n, len(text))]
			return []byte(text), from + int64(len(text)), nil
		}
	})
	return f
}

func (f *queueFixture) submit(t testing.TB, s jobs.Spec) jobs.ID {
	t.Helper()
	s.Command = []string{"true"}
	ids, err := f.queue.Submit(context.Background(), s)
	if err != nil {
		t.Fatal(err)
	}
	return ids[0]
}

// run claims a task and ends it.
func (f *queueFixture) run(t testing.TB, exit int) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	task, err := f.queue.Claim(ctx, jobs.Worker{Node: "n"})
	if err != nil {
		t.Fatal(err)
	}
	if err := f.queue.Finish(ctx, task.Lease, jobs.Result{Exit: exit}); err != nil {
		t.Fatal(err)
	}
}

// page is a page as the owner gets it; what was made a moment ago is not shown.
func (f *queueFixture) page(t testing.TB, at string, want int) string {
	t.Helper()
	f.shared.forget()
	w := send(f.Handler(), "GET", at, "", ownersFields...)
	if w.Code != want {
		t.Fatalf("%s: %d %s", at, w.Code, w.Body)
	}
	return w.Body.String()
}

func contain(t *testing.T, body string, wants ...string) {
	t.Helper()
	for _, want := range wants {
		if !strings.Contains(body, want) {
			t.Errorf("without %q:\n%s", want, body[strings.Index(body, "<main"):])
		}
	}
}

func linked(at string) string { return `href="` + strings.ReplaceAll(at, "&", "&amp;") + `"` }

// A job shows its tasks as a strip, whose cells lead to them, and in words.
func TestJobStrip(t *testing.T) {
	f := newQueueFixture(t)
	id := f.submit(t, jobs.Spec{Array: jobs.Range(1, 5)})
	f.run(t, 0)
	f.run(t, 3)
	body := f.page(t, jobAddress(id), 200)
	contain(t, body, `<a tabindex="-1" class="good" `+linked(tasksAddress(id, "1", jobs.Succeeded))+` title="1: 1 succeeded"></a>`, `class="bad"`,
		linked(tasksAddress(id, "3-5", jobs.Queued))+">3-5 queued</a>")
	if n := strings.Count(body, `<a tabindex="-1"`); n != 5 {
		t.Errorf("%d cells", n)
	}
	contain(t, f.page(t, tasksAddress(id, "2", jobs.Failed), 200), "exit status 3", `value="2"`)
	for at, want := range map[string]string{"&tasks=2-4": "2 3 4", "&tasks=2-4&state=queued": "3 4", "&tasks=9-12": "", "&tasks=-7-2": "1 2", "&state=succeeded,failed": "1 2"} {
		var got struct{ Rows []struct{ Task int } }
		if err := json.Unmarshal([]byte(f.page(t, "/jobs/tasks.json?id="+string(id)+at, 200)), &got); err != nil {
			t.Error(err)
		}
		var numbers []string
		for _, r := range got.Rows {
			numbers = append(numbers, fmt.Sprint(r.Task))
		}
		if strings.Join(numbers, " ") != want {
			t.Errorf("%s: %s", at, numbers)
		}
	}
	for _, bad := range []string{"x", "1,3", "1-9x2", "5-1"} {
		f.page(t, "/jobs/tasks?id="+string(id)+"&tasks="+bad, 400)
	}
	f.page(t, "/jobs/tasks?id=000000000", 404)

	single := f.submit(t, jobs.Spec{})
	if strings.Contains(f.page(t, jobAddress(single), 200), "cells") {
		t.Error("one task has a strip")
	}
}

// The page of a job with a million tasks is as long as that of a few hundred.
func TestJobOfAMillion(t *testing.T) {
	f := newQueueFixture(t)
	id := f.submit(t, jobs.Spec{Array: jobs.Range(1, 1_000_000)})
	if err := f.queue.Cancel(t.Context(), id, jobs.Numbers(1, 5000, 777_777)); err != nil {
		t.Fatal(err)
	}
	body := f.page(t, jobAddress(id), 200)
	contain(t, body, "Each cell is up to 4,096 tasks", "1-8192: 2 cancelled", linked(tasksAddress(id, "1-8192", jobs.Cancelled)))
	if n := strings.Count(body, `<a tabindex="-1"`); n != 245 || len(body) > 150_000 {
		t.Errorf("%d cells, %d bytes", n, len(body))
	}
	contain(t, f.page(t, tasksAddress(id, "1-8192", jobs.Cancelled), 200), ">5000</a>")
}

// BenchmarkJobOfAMillion is about what people wait for: each of the tasks has a
// record.
func BenchmarkJobOfAMillion(b *testing.B) {
	f := newQueueFixture(b)
	id := f.submit(b, jobs.Spec{Array: jobs.Range(1, 1_000_000)})
	for first := int64(1); first < 1_000_000; first += 100_000 {
		if err := f.queue.Cancel(b.Context(), id, jobs.Range(first, first+99_999)); err != nil {
			b.Fatal(err)
		}
	}
	if err := f.queue.Retry(b.Context(), id, jobs.Numbers(1, 2, 3)); err != nil {
		b.Fatal(err)
	}
	f.run(b, 1)
	for _, at := range []string{jobAddress(id), tasksAddress(id, "1-4096", jobs.Failed), "/jobs/tasks?id=" + string(id) + "&state=queued", "/jobs/tasks?offset=900000&id=" + string(id), "/jobs"} {
		b.Run(at[:strings.IndexAny(at+"?", "?")], func(b *testing.B) {
			for b.Loop() {
				f.page(b, at, 200)
			}
		})
	}
}

// Who comes after whom is linked both ways.
func TestJobsNear(t *testing.T) {
	f := newQueueFixture(t)
	first := f.submit(t, jobs.Spec{Name: "first"})
	then := f.submit(t, jobs.Spec{Name: markup, After: []jobs.ID{first}})
	contain(t, f.page(t, jobAddress(first), 200), "Comes before", linked(jobAddress(then)))
	body := f.page(t, jobAddress(then), 200)
	contain(t, body, "Comes after", linked(jobAddress(first)), "queued, first")
	if strings.Contains(body, "<script>alert") {
		t.Error("it has a script")
	}
}

// Lines that contain a text are found, in one task's output or in all.
func TestFind(t *testing.T) {
	f := newQueueFixture(t)
	id := f.submit(t, jobs.Spec{Array: jobs.Range(1, 3)})
	for range 3 {
		f.run(t, 0)
	}
	f.wrote[1] = "begin\nwarning: Missing <b> texture\nend"
	f.wrote[2] = strings.Repeat("x", 2*searchPart) + " missing in a long line\n" + strings.Repeat("line\n", 100) + "last: MISSING"
	find := func(q, task string) string {
		values := url.Values{"id": {string(id)}, "q": {q}}
		if task != "" {
			values.Set("task", task)
		}
		return f.page(t, address("/jobs/log", values), 200)
	}
	all := find("missing", "")
	contain(t, all, "warning: <mark>Missing</mark> &lt;b&gt; texture", "last: <mark>MISSING</mark>", linked(logAddress(id, 2)), " <mark>missing</mark> in a long line", `<td class="num"><span>102</span></td>`)
	if n := strings.Count(all, "<mark>"); n != 3 {
		t.Errorf("%d lines", n)
	}
	if one := find("missing", "1"); strings.Count(one, "<mark>") != 1 {
		t.Error(one)
	}
	contain(t, find("nowhere", ""), "No line has it.")
	contain(t, find("<b>", ""), "<mark>&lt;b&gt;</mark>")
	f.wrote[3] = strings.Repeat("many many\n", 2*mostHits)
	if many := find("many", "3"); strings.Count(many, "<tr>") > mostHits+2 || !strings.Contains(many, "These are the first 500 lines.") {
		t.Error("the number of lines is not bounded")
	}
	f.wrote[3] = strings.Repeat("much\n", mostSearched/5+mostSearched/10)
	contain(t, find("none", "3"), "were looked at")
	f.page(t, "/jobs/log?id="+string(id)+"&q="+strings.Repeat("a", longestFind+1), 400)
	f.page(t, "/jobs/log?id="+string(id)+"&q=a&task=x", 400)
	if w := send(f.Handler(), "GET", "/jobs/log?q=missing&id="+string(id), "", "Accept", "text/html"); w.Code != 401 {
		t.Errorf("without the token: %d", w.Code)
	}
}

// What is picked, or matches the filter, is done with at once: those that it can
// be done with.
func TestBulk(t *testing.T) {
	f := newQueueFixture(t)
	var ids []jobs.ID
	for i := range 4 {
		ids = append(ids, f.submit(t, jobs.Spec{Name: fmt.Sprint("job", i), Owner: []string{"ann", "bob"}[i%2]}))
	}
	f.run(t, 0) // the first one
	contain(t, f.page(t, "/jobs?owner=ann", 200), `<input type="checkbox" name="pick" value="`+string(ids[2])+`" aria-label="Pick `+string(ids[2])+`">`,
		`<input type="hidden" name="owner" value="ann">`, `name="do" value="cancel"`, `name="all" value="1"`)
	state := func(id jobs.ID) string {
		info, err := f.queue.Job(context.Background(), id)
		if err != nil {
			t.Fatal(err)
		}
		return info.Condition()
	}
	post := func(form string) string {
		t.Helper()
		if w := send(f.Handler(), "POST", "/jobs/act", form, "Accept", "text/html"); w.Code != 401 {
			t.Errorf("without the token: %d", w.Code)
		}
		w := send(f.Handler(), "POST", "/jobs/act", form, ownersFields...)
		if w.Code != 200 {
			t.Fatalf("%s: %d %s", form, w.Code, w.Body)
		}
		return w.Body.String()
	}
	body := f.page(t, "/jobs/act?do=pause&pick="+string(ids[0])+"&pick="+string(ids[1])+"&pick=none&pick="+string(ids[3]), 200)
	contain(t, body, "Pause: 2 jobs", `name="pick" value="`+string(ids[1])+`"`, "It cannot be done with 2 others")
	contain(t, post("do=pause&pick="+string(ids[1])+"&pick="+string(ids[3])), "2 jobs: No task of it is begun any more.")
	if got := state(ids[1]) + " " + state(ids[2]) + " " + state(ids[3]); got != "paused queued paused" {
		t.Error(got)
	}
	body = f.page(t, "/jobs/act?do=cancel&all=1&owner=bob", 200)
	contain(t, body, "Cancel: 2 jobs", `value="`+string(ids[1])+`"`, `value="`+string(ids[3])+`"`, `class="danger"`)
	contain(t, post("do=cancel&pick="+string(ids[1])+"&pick=zzz"), "1 job: ", "With 1 it could not be done:", "job zzz: ")
	if got := state(ids[1]) + " " + state(ids[3]); got != "cancelled paused" {
		t.Error(got)
	}
	contain(t, f.page(t, "/jobs/act?do=cancel", 200), "No job was picked")
	contain(t, f.page(t, "/jobs/act?do=resume&pick="+string(ids[2]), 200), "It can be done with none")
	many := "do=cancel" + strings.Repeat("&pick=a", mostPicked+1)
	f.page(t, "/jobs/act?"+many, 400)
	if w := send(f.Handler(), "POST", "/jobs/act", many, ownersFields...); w.Code != 400 {
		t.Errorf("%d", w.Code)
	}
	f.page(t, "/jobs/act?do=none&pick=a", 400)
}

// More than a thousand at once are not touched, which is said.
func TestBulkIsBounded(t *testing.T) {
	f := newQueueFixture(t)
	specs := make([]jobs.Spec, mostPicked+7)
	for i := range specs {
		specs[i].Command = []string{"true"}
	}
	if _, err := f.queue.Submit(t.Context(), specs...); err != nil {
		t.Fatal(err)
	}
	body := f.page(t, "/jobs/act?do=pause&all=1", 200)
	contain(t, body, "Pause: 1,000 jobs", "do it once more for the others")
	form := url.Values{"do": {"pause"}}
	for part := range strings.SplitSeq(body, `<input type="hidden" name="pick" value="`) {
		if id, _, ok := strings.Cut(part, `">`); ok && len(id) == 9 {
			form.Add("pick", id)
		}
	}
	if w := send(f.Handler(), "POST", "/jobs/act", form.Encode(), ownersFields...); w.Code != 200 || !strings.Contains(w.Body.String(), "1,000 jobs: ") {
		t.Fatalf("%d %s", w.Code, w.Body)
	}
	contain(t, f.page(t, "/jobs/act?do=pause&all=1", 200), "Pause: 7 jobs")
}

// countedPages is a queue that counts the pages of its list that are asked for, of
// which there is no end.
type countedPages struct {
	jobs.Queue
	pages int
}

func (c *countedPages) Jobs(_ context.Context, f jobs.Filter) (jobs.Page, error) {
	c.pages++
	return jobs.Page{Jobs: make([]jobs.Info, f.N), Next: "next"}, nil
}

// However many jobs there are that something cannot be done with, so many are
// looked at, and that there may be others is said.
func TestBulkLooksAtSoMany(t *testing.T) {
	queue := &countedPages{}
	f := &queueFixture{fixture: newFixture(t, func(o *Options) { o.Jobs = queue })}
	body := f.page(t, "/jobs/act?do=resume&all=1", 200)
	contain(t, body, "none of the latest 10,000 jobs", "older ones were not looked at")
	if queue.pages != pickedPages {
		t.Errorf("%d pages", queue.pages)
	}
}

// Those that failed are run again, and not those that somebody has cancelled.
func TestRetryFailed(t *testing.T) {
	f := newQueueFixture(t)
	id := f.submit(t, jobs.Spec{Array: jobs.Range(1, 4)})
	f.run(t, 0)
	f.run(t, 1)
	contain(t, f.page(t, jobAddress(id), 200), "Cancel …")
	if err := f.queue.Cancel(t.Context(), id, jobs.Array{}); err != nil {
		t.Fatal(err)
	}
	contain(t, f.page(t, jobAddress(id), 200), "Run failed ones again …", "Run again …")
	contain(t, f.page(t, actAddress(id, "retry-failed"), 200), "not those that were cancelled")
	form := url.Values{"id": {string(id)}, "do": {"retry-failed"}}.Encode()
	if w := send(f.Handler(), "POST", "/jobs/act", form, ownersFields...); w.Code != 200 {
		t.Fatal(w.Code, w.Body)
	}
	info, err := f.queue.Job(t.Context(), id)
	if err != nil || info.Counts != (jobs.Counts{1, 0, 1, 0, 2}) {
		t.Errorf("%v, %v", info.Counts, err)
	}
	if w := send(f.Handler(), "POST", "/jobs/act", form, ownersFields...); w.Code != 409 {
		t.Errorf("once more: %d", w.Code)
	}
}

func TestCommandLine(t *testing.T) {
	for want, words := range map[string][]string{
		"blender -b a.blend -f {frame:04}":     {"blender", "-b", "a.blend", "-f", "{frame:04}"},
		`sh -c 'echo "$0"; exit' 'it'\''s' ''`: {"sh", "-c", `echo "$0"; exit`, "it's", ""},
		"":                                     nil,
	} {
		if got := commandLine(words); got != want {
			t.Errorf("%q, not %q", got, want)
		}
	}
}
