package fleet

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"time"

	"freshet/internal/worker"
	"freshet/jobs"
)

// Limits of requests.
const (
	maxBody  = 16 << 20 // of a request; then 413
	maxWait  = 25 * time.Second
	maxTasks = 1000
)

// asked is the body of a request that changes something.
type asked struct {
	Specs  []jobs.Spec `json:"specs,omitempty"`
	Job    jobs.ID     `json:"job,omitempty"`
	Tasks  jobs.Array  `json:"tasks,omitzero"`
	Paused bool        `json:"paused,omitempty"`

	Files []jobs.File `json:"files,omitempty"` // that a job is going to have

	Name string        `json:"name,omitempty"` // of a worker, or any server
	Do   string        `json:"do,omitempty"`   // what it is to do
	Life time.Duration `json:"life,omitempty"` // of its token; 0: for ever

	Serves bool `json:"serves,omitempty"` // its token is a server's
}

// told is the body of its answer, and of an answer that says what is wrong.
type told struct {
	IDs   []jobs.ID `json:"ids,omitempty"`
	Token string    `json:"token,omitempty"`
	Lacks []Lacking `json:"lacks,omitempty"`
	Have  int64     `json:"have,omitempty"`  // of a content that is sent
	Whole bool      `json:"whole,omitempty"` // it is there
	Error string    `json:"error,omitempty"`
	Code  string    `json:"code,omitempty"`
}

// codes are the names of errors on their way over HTTP.
var codes = []struct {
	name   string
	status int
	err    error
}{
	{"spec", http.StatusUnprocessableEntity, jobs.ErrSpec},
	{"bad", http.StatusBadRequest, errBad},
	{"unknown", http.StatusNotFound, jobs.ErrUnknown},
	{"full", http.StatusServiceUnavailable, jobs.ErrFull},
	{"closed", http.StatusServiceUnavailable, jobs.ErrClosed},
	{"fenced", http.StatusServiceUnavailable, jobs.ErrFenced},
	{"standby", http.StatusServiceUnavailable, ErrStandby},
	{"away", http.StatusServiceUnavailable, ErrAway},
	{"lost", http.StatusConflict, jobs.ErrLost},
	{"cancelled", http.StatusConflict, jobs.ErrCancelled},
	{"preempted", http.StatusConflict, jobs.ErrPreempted},
	{"same-token", http.StatusConflict, errSameToken},
	{"input", http.StatusNotFound, worker.ErrInput},
}

// handler answers requests about a queue.
type handler struct {
	queue   jobs.Queue
	logs    *Logs
	outputs *Outputs
	node    *Node
}

// routes returns the requests: POST /job/{submit,inputs,cancel,retry,pause,invite,revoke}
// with JSON, PUT /job/input/SHA256 with a piece of a file, GET /job/list, /job/show, /job/tasks, /job/wait, /job/workers,
// /job/logs, /job/outputs with a query; and for the servers of a fleet GET
// /fleet/servers and POST /fleet/want.
func (h *handler) routes() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("POST /job/submit", h.submit)
	mux.HandleFunc("POST /job/cancel", h.act(func(ctx context.Context, a *asked) error { return h.queue.Cancel(ctx, a.Job, a.Tasks) }))
	mux.HandleFunc("POST /job/retry", h.act(func(ctx context.Context, a *asked) error { return h.queue.Retry(ctx, a.Job, a.Tasks) }))
	mux.HandleFunc("POST /job/pause", h.act(func(ctx context.Context, a *asked) error { return h.queue.Pause(ctx, a.Job, a.Paused) }))
	mux.HandleFunc("POST /job/inputs", h.lacking)
	mux.HandleFunc("PUT /job/input/{digest}", h.input)
	mux.HandleFunc("GET /job/list", h.list)
	mux.HandleFunc("GET /job/show", h.show)
	mux.HandleFunc("GET /job/tasks", h.tasks)
	mux.HandleFunc("GET /job/wait", h.wait)
	mux.HandleFunc("GET /job/workers", h.workers)
	mux.HandleFunc("GET /job/invited", h.invited)
	mux.HandleFunc("POST /job/invite", h.invite)
	mux.HandleFunc("POST /job/revoke", h.revoke)
	mux.HandleFunc("GET /job/logs", h.log)
	mux.HandleFunc("GET /job/outputs", h.files)
	mux.HandleFunc("GET /fleet/servers", h.servers)
	mux.HandleFunc("POST /fleet/want", h.want)
	return mux
}

func (h *handler) submit(w http.ResponseWriter, r *http.Request) {
	var a asked
	if !read(w, r, &a) {
		return
	}
	var ids []jobs.ID
	err := h.node.inputs.check(a.Specs)
	if err == nil {
		err = h.node.outputs.room.check(a.Specs)
	}
	for i := range a.Specs {
		if err == nil {
			if fault := h.node.checkJob(&a.Specs[i]); fault != nil {
				err = fmt.Errorf("%w: %w", jobs.ErrSpec, fault)
			}
		}
	}
	if err == nil {
		ids, err = h.queue.Submit(r.Context(), a.Specs...)
	}
	if err != nil {
		refuse(w, err)
		return
	}
	answer(w, &told{IDs: ids})
}

func (h *handler) act(do func(context.Context, *asked) error) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		var a asked
		if !read(w, r, &a) {
			return
		}
		if err := do(r.Context(), &a); err != nil {
			refuse(w, err)
			return
		}
		answer(w, &told{IDs: []jobs.ID{a.Job}})
	}
}

func (h *handler) list(w http.ResponseWriter, r *http.Request) {
	q := r.URL.Query()
	f := jobs.Filter{Owner: q.Get("owner"), Pool: q.Get("pool"), Kind: q.Get("kind"), Name: q.Get("name"), After: jobs.ID(q.Get("after")), Oldest: q.Has("oldest")}
	var err error
	if f.States, err = statesOf(q["state"]); err == nil {
		f.N, err = number(q.Get("n"), 100)
	}
	if err != nil {
		refuse(w, err)
		return
	}
	page, err := h.queue.Jobs(r.Context(), f)
	if err != nil {
		refuse(w, err)
		return
	}
	answer(w, &page)
}

func (h *handler) show(w http.ResponseWriter, r *http.Request) {
	info, err := h.queue.Job(r.Context(), jobs.ID(r.URL.Query().Get("job")))
	if err != nil {
		refuse(w, err)
		return
	}
	answer(w, &info)
}

func (h *handler) tasks(w http.ResponseWriter, r *http.Request) {
	q := r.URL.Query()
	var f jobs.TaskFilter
	var err error
	if f.States, err = statesOf(q["state"]); err == nil {
		f.N, err = number(q.Get("n"), 100)
	}
	for name, pos := range map[string]*int64{"from": &f.From, "begin": &f.Begin, "end": &f.End} {
		if err == nil && q.Has(name) {
			if *pos, err = strconv.ParseInt(q.Get(name), 10, 64); err != nil {
				err = wrong(err)
			}
		}
	}
	if err != nil {
		refuse(w, err)
		return
	}
	list, err := h.queue.Tasks(r.Context(), jobs.ID(q.Get("job")), f)
	if err != nil {
		refuse(w, err)
		return
	}
	answer(w, list)
}

// wait answers when a job is over, or after a while, with what is known then.
func (h *handler) wait(w http.ResponseWriter, r *http.Request) {
	ctx, cancel := context.WithTimeout(r.Context(), maxWait)
	defer cancel()
	var last jobs.Info
	err := h.queue.Watch(ctx, jobs.ID(r.URL.Query().Get("job")), func(i jobs.Info) error {
		last = i
		return nil
	})
	if err != nil && (last.ID == "" || !errors.Is(err, context.DeadlineExceeded)) {
		refuse(w, err)
		return
	}
	answer(w, &last)
}

func (h *handler) workers(w http.ResponseWriter, r *http.Request) {
	list, err := h.queue.Workers(r.Context())
	if err != nil {
		refuse(w, err)
		return
	}
	answer(w, list)
}

// log answers with what a task has written, from an offset.
func (h *handler) log(w http.ResponseWriter, r *http.Request) {
	q := r.URL.Query()
	task, err := strconv.ParseInt(q.Get("task"), 10, 64)
	from, err2 := strconv.ParseInt("0"+q.Get("from"), 10, 64)
	if err = errors.Join(err, err2); err != nil {
		refuse(w, wrong(err))
		return
	}
	if _, err := h.queue.Job(r.Context(), jobs.ID(q.Get("job"))); err != nil {
		refuse(w, err)
		return
	}
	text, next, err := h.logs.Read(jobs.ID(q.Get("job")), task, from, maxLogPart)
	if err != nil {
		refuse(w, err)
		return
	}
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	w.Header().Set("X-Content-Type-Options", "nosniff")
	w.Header().Set("Cache-Control", "no-store")
	w.Header().Set("Next-Offset", strconv.FormatInt(next, 10))
	w.Write(text)
}

// files answers with which files a task has made.
func (h *handler) files(w http.ResponseWriter, r *http.Request) {
	q := r.URL.Query()
	task, err := strconv.ParseInt(q.Get("task"), 10, 64)
	if err != nil {
		refuse(w, wrong(err))
		return
	}
	if _, err := h.queue.Job(r.Context(), jobs.ID(q.Get("job"))); err != nil {
		refuse(w, err)
		return
	}
	list, err := h.outputs.List(jobs.ID(q.Get("job")), task)
	if err != nil {
		refuse(w, err)
		return
	}
	answer(w, list)
}

// errBad is what requests are answered with that make no sense.
var errBad = errors.New("bad request")

// wrong is an error in a request.
func wrong(err error) error { return fmt.Errorf("%w: %v", errBad, err) }

func statesOf(names []string) (list []jobs.State, err error) {
	for _, name := range names {
		var s jobs.State
		if err := s.UnmarshalText([]byte(name)); err != nil {
			return nil, wrong(err)
		}
		list = append(list, s)
	}
	return list, nil
}

func number(text string, otherwise int) (int, error) {
	if text == "" {
		return otherwise, nil
	}
	n, err := strconv.Atoi(text)
	if err != nil || n < 1 || n > maxTasks {
		return 0, wrong(errors.New("n is a number from 1 to 1000"))
	}
	return n, nil
}

func read(w http.ResponseWriter, r *http.Request, a *asked) bool {
	d := json.NewDecoder(http.MaxBytesReader(w, r.Body, maxBody))
	d.DisallowUnknownFields()
	err := d.Decode(a)
	if err == nil {
		return true
	}
	var long *http.MaxBytesError
	if errors.As(err, &long) {
		http.Error(w, "the request is too long", http.StatusRequestEntityTooLarge)
		return false
	}
	refuse(w, wrong(err))
	return false
}

func answer(w http.ResponseWriter, what any) {
	b, err := json.Marshal(what)
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "no-store")
	w.Write(append(b, '\n'))
}

// refuse says what is wrong, with a code that a client turns into the error again.
func refuse(w http.ResponseWriter, err error) {
	t, status := told{Error: err.Error()}, http.StatusInternalServerError
	for _, c := range codes {
		if errors.Is(err, c.err) {
			t.Code, status = c.name, c.status
			break
		}
	}
	b, _ := json.Marshal(&t) // two strings
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(status)
	w.Write(append(b, '\n'))
}
