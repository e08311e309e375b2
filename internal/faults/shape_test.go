//go:build linux

package faults

import (
	"bufio"
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"freshet/fleet"
	"freshet/internal/control"
	"freshet/internal/wiretest"
	"freshet/jobs"
)

// roundWithin bounds a round beyond its jobs: leases that are waited out, and
// starts, on a busy machine.
const roundWithin = 5 * time.Minute

// shape is a hub, or several, with workers of other processes.
type shape struct {
	dir     string // for whatever the test needs; programs may read it
	hub     *node  // the first
	hubs    []*node
	datas   []string // the hubs'
	workers []*node
	runs    string // a file: each run of a task adds a line
	asked   int    // which hub is asked

	whole func(*testing.T) // waits until all are there, before a further one is killed; nil: none is waited for
}

// plan says how a shape is made; its zero value is a hub alone.
type plan struct {
	workers int
	data    string              // the first hub's; "": a folder that is made
	hub     []string            // its command; nil: it serves a folder
	address string              // for workers; "": one of the loopback
	wrap    func(i int) wrap    // where the hub (0) and workers (1...) run; nil: here
	nats    string              // where the queue is kept; there are two hubs then
	change  func(*shape, *node) // of each that is to be started; nil: none is changed
}

// newShape starts it.
func newShape(t *testing.T, p plan) *shape {
	t.Helper()
	s := &shape{dir: readable(t)}
	s.runs = filepath.Join(s.dir, "runs")
	s.writable(t, s.runs)
	if p.hub == nil {
		pages := filepath.Join(s.dir, "pages")
		if err := os.Mkdir(pages, 0o755); err != nil {
			t.Fatal(err)
		}
		p.hub = []string{"serve", pages, "--listen", "127.0.0.1:0"}
	}
	if p.wrap == nil {
		p.wrap = func(int) wrap { return wrap{} }
	}
	if p.change == nil {
		p.change = func(*shape, *node) {}
	}
	token := s.newHub(t, &p)
	if p.nats != "" {
		s.newHub(t, &p)
	}
	for i := range p.workers {
		switch {
		case p.nats != "":
			token = s.inviteToAll(t, fmt.Sprint("elsewhere-", i+1))
		case i > 0:
			token = s.invite(t, fmt.Sprint("worker-", i+1))
		}
		w := &node{name: fmt.Sprint("worker ", i+1), args: []string{"worker", "--tasks", "2", "--label", fmt.Sprint("number=", i+1)}, wrap: p.wrap(i + 1),
			env: []string{"FRESHET_JOIN=" + token}, ready: regexp.MustCompile(`(?m)^worker \S+: `)}
		p.change(s, w)
		begin(t, w)
		s.workers = append(s.workers, w)
	}
	return s
}

// newHub starts a hub; the first one makes a token.
func (s *shape) newHub(t *testing.T, p *plan) (token string) {
	t.Helper()
	number := fmt.Sprint(len(s.hubs) + 1)
	data, address := filepath.Join(s.dir, "data-"+number), p.address
	if s.hub == nil && p.data != "" {
		data = p.data
	}
	if address == "" {
		address = wiretest.Reserve(t)
	}
	args := slices.Concat(p.hub, []string{"--monitor", "off", "--data", data, "--access-log", "off", "--jobs", "2", "--fleet", address})
	works := regexp.MustCompile(`fleet on `)
	if p.nats != "" {
		args = append(args, "--nats", p.nats, "--nats-replicas", "3", "--node-name", "hub-"+number)
		works = regexp.MustCompile(`fleet on |standby`)
	}
	h := &node{name: "hub " + number, args: args, wrap: p.wrap(0), ready: works}
	p.change(s, h)
	s.hubs, s.datas = append(s.hubs, h), append(s.datas, data)
	if p.nats == "" {
		s.hub, h.ready = h, regexp.MustCompile(`fleet on [^;\s]+;.*--join (\S+)`)
		token = begin(t, h)[1]
		h.ready = works
		return token
	}
	begin(t, h)
	s.hub = s.hubs[0]
	return ""
}

// inviteToAll makes a token that knows all hubs: one that is made before a standby
// has said where it is does not have its address.
func (s *shape) inviteToAll(t *testing.T, name string) string {
	t.Helper()
	for n, late := 1, time.Now().Add(roundWithin); ; n++ {
		token := s.invite(t, fmt.Sprint(name, "-", n))
		text, err := base64.RawURLEncoding.DecodeString(strings.TrimPrefix(token, "freshet-node-1-"))
		var knows struct {
			Addresses []string `json:"a"`
		}
		// The text ends with a sum of itself.
		if err == nil {
			err = json.NewDecoder(bytes.NewReader(text)).Decode(&knows)
		}
		if len(knows.Addresses) == len(s.hubs) {
			return token
		}
		if time.Now().After(late) {
			t.Fatalf("a token does not know all hubs: %q, %v", text, err)
		}
		time.Sleep(200 * time.Millisecond)
	}
}

// readable is a folder that whoever programs run as may read.
func readable(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	for path := dir; path != os.TempDir() && path != "/"; path = filepath.Dir(path) {
		if err := os.Chmod(path, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// writable makes an empty file that programs may write to.
func (s *shape) writable(t *testing.T, path string) {
	t.Helper()
	if err := os.WriteFile(path, nil, 0o666); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(path, 0o666); err != nil {
		t.Fatal(err)
	}
}

// noted is the command of a task that notes its run, and then does more: words
// of a shell, to which args are $1 and so on.
func (s *shape) noted(more string, args ...string) []string {
	return append([]string{"/bin/sh", "-c", `echo "$FRESHET_JOB $FRESHET_TASK $FRESHET_ATTEMPT" >> "$0"; ` + more, s.runs}, args...)
}

// invite makes a token.
func (s *shape) invite(t *testing.T, name string) string {
	t.Helper()
	try := 0
	return insist(t, s, time.Now().Add(2*startWithin), func(ctx context.Context, c *fleet.Client) (string, error) {
		if try++; try > len(s.hubs) { // it may have been made, and not been heard
			return c.Invite(ctx, fmt.Sprint(name, "-again-", try), 0)
		}
		return c.Invite(ctx, name, 0)
	})
}

// clientOf is a client of one hub; nil: it is not there.
func (s *shape) clientOf(i int) *fleet.Client {
	c, err := control.Find(s.datas[i], "")
	if err != nil {
		return nil
	}
	return &fleet.Client{Send: c.Send, Refused: c.Refused}
}

// client is a client of a hub as it runs now, waited for; when there are several,
// of each in turn.
func (s *shape) client(t *testing.T) *fleet.Client {
	t.Helper()
	for late := time.Now().Add(startWithin); ; time.Sleep(50 * time.Millisecond) {
		if c := s.clientOf(s.asked % len(s.datas)); c != nil {
			return c
		}
		if time.Now().After(late) {
			t.Fatal("no server has its socket in ", s.datas)
		}
		s.asked++
	}
}

// insist asks a hub until it answers: it is being killed, or does not lead.
func insist[T any](t *testing.T, s *shape, until time.Time, ask func(context.Context, *fleet.Client) (T, error)) T {
	t.Helper()
	for {
		ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
		v, err := ask(ctx, s.client(t))
		cancel()
		if err == nil {
			return v
		}
		if time.Now().After(until) || errors.Is(err, jobs.ErrSpec) {
			t.Fatal(err)
		}
		s.asked++
		time.Sleep(50 * time.Millisecond)
	}
}

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

// verify compares what the queue says of jobs with what has run; how many runs of
// them there were beyond one a task.
func (s *shape) verify(t *testing.T, ids []jobs.ID, tasks int) (more int) {
	t.Helper()
	type run struct {
		job           string
		task, attempt int64
	}
	begun := map[run]int{}
	ran := map[string]map[int64]bool{}
	f, err := os.Open(s.runs)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	for lines := bufio.NewScanner(f); lines.Scan(); {
		var r run
		if _, err := fmt.Sscan(lines.Text(), &r.job, &r.task, &r.attempt); err != nil {
			t.Fatalf("%q: %v", lines.Text(), err)
		}
		if begun[r]++; begun[r] > 1 {
			t.Errorf("%+v has begun twice", r)
		}
		if ran[r.job] == nil {
			ran[r.job] = map[int64]bool{}
		}
		if ran[r.job][r.task] && slices.Contains(ids, jobs.ID(r.job)) {
			more++
		}
		ran[r.job][r.task] = true
	}
	seen := map[jobs.ID]bool{}
	total := 0
	for _, id := range ids {
		if seen[id] {
			t.Errorf("%s is the answer to two submissions", id)
		}
		seen[id] = true
		total += len(ran[string(id)])
	}
	if total != tasks {
		t.Errorf("%d tasks of %d have run", total, tasks)
	}
	return more
}
