package fleet

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"time"

	"freshet/jobs"
)

// Client asks the queue of a server over HTTP: what people do with jobs, not
// what workers do. Its methods are those of [jobs.Queue].
type Client struct {
	// Send sends a request with a body of JSON or nil, and returns the answer,
	// whatever its status.
	Send func(ctx context.Context, method, path string, query url.Values, body []byte) (status int, text []byte, err error)
	// Refused makes an error of an answer that is not the queue's: of a server
	// that has none, or that wants to know who asks.
	Refused func(status int, text []byte) error
}

// ErrNoQueue is what a server answers that was not started with a queue.
var ErrNoQueue = errors.New("the server has no job queue; start it with --jobs N")

func (c *Client) get(ctx context.Context, path string, query url.Values, to any) error {
	return c.ask(ctx, http.MethodGet, path, query, nil, to)
}

func (c *Client) post(ctx context.Context, path string, a *asked) (*told, error) {
	body, err := json.Marshal(a)
	if err != nil {
		return nil, err
	}
	t := &told{}
	return t, c.ask(ctx, http.MethodPost, path, nil, body, t)
}

func (c *Client) ask(ctx context.Context, method, path string, query url.Values, body []byte, to any) error {
	status, text, err := c.Send(ctx, method, path, query, body)
	if err != nil {
		return err
	}
	if status == http.StatusOK {
		return json.Unmarshal(text, to)
	}
	return c.fault(status, text)
}

// fault makes the queue's error of an answer.
func (c *Client) fault(status int, text []byte) error {
	var t told
	if json.Unmarshal(text, &t) == nil && t.Error != "" {
		for _, known := range codes {
			if known.name == t.Code {
				return &remote{t.Error, known.err}
			}
		}
		return errors.New(t.Error)
	}
	if status == http.StatusNotFound {
		return ErrNoQueue
	}
	return c.Refused(status, text)
}

// remote is an error that was said over there.
type remote struct {
	text string
	err  error
}

func (e *remote) Error() string { return e.text }
func (e *remote) Unwrap() error { return e.err }

// Submit adds jobs, all or none.
func (c *Client) Submit(ctx context.Context, specs ...jobs.Spec) ([]jobs.ID, error) {
	t, err := c.post(ctx, "/job/submit", &asked{Specs: specs})
	if err != nil {
		return nil, err
	}
	return t.IDs, nil
}

// Cancel ends tasks of a job; the zero Array means all.
func (c *Client) Cancel(ctx context.Context, job jobs.ID, tasks jobs.Array) error {
	_, err := c.post(ctx, "/job/cancel", &asked{Job: job, Tasks: tasks})
	return err
}

// Retry queues tasks again; the zero Array means all that did not succeed.
func (c *Client) Retry(ctx context.Context, job jobs.ID, tasks jobs.Array) error {
	_, err := c.post(ctx, "/job/retry", &asked{Job: job, Tasks: tasks})
	return err
}

// Pause keeps tasks of a job from being claimed, or no longer.
func (c *Client) Pause(ctx context.Context, job jobs.ID, paused bool) error {
	_, err := c.post(ctx, "/job/pause", &asked{Job: job, Paused: paused})
	return err
}

// Jobs lists jobs.
func (c *Client) Jobs(ctx context.Context, f jobs.Filter) (page jobs.Page, err error) {
	q := url.Values{}
	for name, value := range map[string]string{"owner": f.Owner, "pool": f.Pool, "kind": f.Kind, "name": f.Name, "after": string(f.After)} {
		if value != "" {
			q.Set(name, value)
		}
	}
	if f.Oldest {
		q.Set("oldest", "")
	}
	some(q, f.States, f.N)
	err = c.get(ctx, "/job/list", q, &page)
	return page, err
}

// some restricts a list to states and a number.
func some(q url.Values, states []jobs.State, n int) {
	for _, s := range states {
		q.Add("state", s.String())
	}
	if n > 0 {
		q.Set("n", strconv.Itoa(n))
	}
}

// Job says what is known of a job.
func (c *Client) Job(ctx context.Context, job jobs.ID) (info jobs.Info, err error) {
	err = c.get(ctx, "/job/show", url.Values{"job": {string(job)}}, &info)
	return info, err
}

// Tasks lists tasks of a job.
func (c *Client) Tasks(ctx context.Context, job jobs.ID, f jobs.TaskFilter) (list []jobs.TaskInfo, err error) {
	q := url.Values{"job": {string(job)}, "from": {strconv.FormatInt(f.From, 10)}}
	for name, pos := range map[string]int64{"begin": f.Begin, "end": f.End} {
		if pos > 0 {
			q.Set(name, strconv.FormatInt(pos, 10))
		}
	}
	some(q, f.States, f.N)
	err = c.get(ctx, "/job/tasks", q, &list)
	return list, err
}

// Workers lists workers.
func (c *Client) Workers(ctx context.Context) (list []jobs.WorkerInfo, err error) {
	err = c.get(ctx, "/job/workers", nil, &list)
	return list, err
}

// Wait returns what is known of a job once it is over.
func (c *Client) Wait(ctx context.Context, job jobs.ID) (info jobs.Info, err error) {
	for !info.State.Final() {
		if err = c.get(ctx, "/job/wait", url.Values{"job": {string(job)}}, &info); err != nil {
			return info, err
		}
	}
	return info, nil
}

// Log returns what a task has written from an offset on, a part of it at most;
// there is more when some of it came.
func (c *Client) Log(ctx context.Context, job jobs.ID, task, from int64) ([]byte, error) {
	status, text, err := c.Send(ctx, http.MethodGet, "/job/logs",
		url.Values{"job": {string(job)}, "task": {strconv.FormatInt(task, 10)}, "from": {strconv.FormatInt(from, 10)}}, nil)
	if err != nil || status == http.StatusOK {
		return text, err
	}
	return nil, fmt.Errorf("read the output: %w", c.fault(status, text))
}

// Outputs returns which files a task has made.
func (c *Client) Outputs(ctx context.Context, job jobs.ID, task int64) (list []Output, err error) {
	err = c.get(ctx, "/job/outputs", url.Values{"job": {string(job)}, "task": {strconv.FormatInt(task, 10)}}, &list)
	return list, err
}

// Invite makes a token for a worker; life 0 is for ever.
func (c *Client) Invite(ctx context.Context, name string, life time.Duration) (token string, err error) {
	t, err := c.post(ctx, "/job/invite", &asked{Name: name, Life: life})
	if err != nil {
		return "", err
	}
	return t.Token, nil
}

// InviteServer makes a token for a further server, which gets the certificates of
// the fleet; life 0 is for ever.
func (c *Client) InviteServer(ctx context.Context, name string, life time.Duration) (token string, err error) {
	t, err := c.post(ctx, "/job/invite", &asked{Name: name, Life: life, Serves: true})
	if err != nil {
		return "", err
	}
	return t.Token, nil
}

// Revoke ends the token of a worker.
func (c *Client) Revoke(ctx context.Context, name string) error {
	_, err := c.post(ctx, "/job/revoke", &asked{Name: name})
	return err
}

// Invited lists the workers that have a token.
func (c *Client) Invited(ctx context.Context) (list []Invited, err error) {
	err = c.get(ctx, "/job/invited", nil, &list)
	return list, err
}
