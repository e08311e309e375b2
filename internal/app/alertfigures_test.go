package app

import (
	"context"
	"errors"
	"math"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"freshet/fleet"
	"freshet/internal/alert"
	"freshet/internal/config"
	"freshet/internal/follow"
	"freshet/internal/journal"
	"freshet/internal/machine"
	"freshet/internal/mailtest"
	"freshet/jobs"
	"freshet/proxy"
)

// A standby is no queue that stopped, unless nobody leads.
func TestQueueAway(t *testing.T) {
	for _, c := range []struct {
		away error
		want float64
	}{
		{nil, 0}, {fleet.ErrStandby, 0}, {errors.Join(fleet.ErrStandby, fleet.ErrNoLeader), 1}, {errors.New("no disk"), 1},
	} {
		if r := queueAway(c.away); len(r) != 1 || r[0].Value != c.want || (r[0].Detail != "") != (c.want == 1) {
			t.Errorf("%v: %+v", c.away, r)
		}
	}
}

// Jobs that wait are found behind however many that do not: templates, which are
// queued from when they are submitted to their end, jobs that are paused, and
// those that come after others. What is told of jobs that failed is of a day.
func TestJobsBehindSchedules(t *testing.T) {
	ctx := t.Context()
	log, err := jobs.OpenFileLog(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	q, err := jobs.New(ctx, log, jobs.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer q.Close(context.Background())
	submit := func(n int, spec jobs.Spec) []jobs.ID {
		t.Helper()
		spec.Command = []string{"true"}
		ids, err := q.Submit(ctx, slices.Repeat([]jobs.Spec{spec}, n)...)
		if err != nil {
			t.Fatal(err)
		}
		return ids
	}
	submit(alertJobs+50, jobs.Spec{Schedule: "0 0 1 1 *"})
	paused := submit(20, jobs.Spec{})
	for _, id := range paused {
		if err := q.Pause(ctx, id, true); err != nil {
			t.Fatal(err)
		}
	}
	submit(alertJobs, jobs.Spec{After: paused[:1]})
	late := submit(1, jobs.Spec{Name: "late"})[0]
	list, more, err := listJobs(ctx, q, jobs.Filter{Waiting: true, Oldest: true})
	if err != nil || len(more) > 0 || len(list) != 1 || list[0].ID != late {
		t.Fatalf("%+v %+v %v", list, more, err)
	}
	now := list[0].Submitted.Add(2 * time.Hour)
	if got := (&sampler{}).jobWaits(list, now); len(got) != 1 || got[0].Subject != string(late)+" late" || got[0].Value != 7200 {
		t.Errorf("%+v", got)
	}
	submit(alertJobs, jobs.Spec{})
	if list, more, err = listJobs(ctx, q, jobs.Filter{Waiting: true, Oldest: true}); err != nil || len(list) != alertJobs || len(more) != 1 || !more[0].Rest {
		t.Errorf("%d %+v %v", len(list), more, err)
	}
}

// An origin that gets no requests while another one does is not well for that:
// nothing is known of it, and its alert goes on.
func TestNoRequestsNoAllClear(t *testing.T) {
	down := []alert.Reading{{Subject: "a"}, {Subject: "b"}}
	rules := []alert.Rule{{Name: "origin-errors", Figure: "f", Bound: 10, Least: 20}}
	m := alert.New(alert.Options{Rules: rules})
	now := time.Now()
	fails := alert.Reading{Subject: "a", Value: 100, Of: 50}
	if told := m.Step(now, alert.Look{"f": withUnknown([]alert.Reading{fails}, down)}); len(told) != 1 {
		t.Fatalf("%+v", told)
	}
	only := []alert.Reading{{Subject: "b", Value: 0, Of: 50}}
	for i := range 20 {
		if told := m.Step(now.Add(time.Duration(i)*time.Minute), alert.Look{"f": withUnknown(only, down)}); len(told) != 0 {
			t.Fatalf("%+v", told)
		}
	}
}

// A circuit begins closed, in a new process as after a reload. That is not that
// its origin is well: an answer is, that comes after the last failure.
func TestOriginUntried(t *testing.T) {
	fault, answer := &net.OpError{Op: "dial", Err: syscall.ECONNREFUSED}, false
	open := func() *proxy.Handler {
		h, err := proxy.New(proxy.Options{Origins: []string{"http://a"}, MaxFails: 2, FailTimeout: time.Nanosecond, Transport: roundTrip(func(*http.Request) (*http.Response, error) {
			if answer {
				return &http.Response{StatusCode: 200, ProtoMajor: 1, ProtoMinor: 1, Header: http.Header{}, Body: http.NoBody}, nil
			}
			return nil, fault
		})})
		if err != nil {
			t.Fatal(err)
		}
		return h
	}
	s := &service{journal: journal.New(journal.Options{Records: 16, Details: 16})}
	ask := func(h *proxy.Handler) { h.ServeHTTP(httptest.NewRecorder(), httptest.NewRequest("GET", "/", nil)) }
	is := func(what string, want float64, of ...*proxy.Handler) {
		t.Helper()
		s.content.states = func() (all []proxy.OriginState) {
			for _, h := range of {
				all = append(all, h.States()...)
			}
			return all
		}
		look := alert.Look{}
		s.lookAtOrigins(look, time.Now())
		if r := look["origin_down"]; len(r) != 1 || r[0].Value != want && !(math.IsNaN(want) && math.IsNaN(r[0].Value)) {
			t.Errorf("%s: %+v", what, r)
		}
	}
	h := open()
	is("at first", math.NaN(), h)
	ask(h)
	is("a failure", math.NaN(), h)
	ask(h)
	is("it is left out", 1, h)
	restarted := open()
	is("after a restart", math.NaN(), restarted)
	is("in one of two routes", 1, restarted, h)
	answer = true
	ask(restarted)
	is("an answer", 0, restarted)
	is("that one of two routes has had", 0, open(), restarted)
	answer = false
	ask(restarted)
	is("and a failure again", math.NaN(), restarted)
	is("with one that is untried", math.NaN(), open(), restarted)
}

type roundTrip func(*http.Request) (*http.Response, error)

func (f roundTrip) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

// A certificate that cannot be read for a moment is not gone.
func TestCertificateUnread(t *testing.T) {
	file := filepath.Join(t.TempDir(), "gone.pem")
	s := &service{conf: &config.Server{}}
	s.conf.TLSCert = file
	look := alert.Look{}
	s.lookAtCertificates(look, &sampler{}, time.Now())
	if r := look["certificate_left"]; len(r) != 1 || r[0].Subject != file || !math.IsNaN(r[0].Value) {
		t.Errorf("%+v", r)
	}
}

// What counts is the certificate that is served: a new one that lies in its file
// and does not go with the key neither ends the alert nor goes unnoticed.
func TestCertificateServed(t *testing.T) {
	dir := t.TempDir()
	a := mailtest.NewAuthority(t)
	now := time.Now()
	old, fresh := a.Server("www.example.org", now.Add(48*time.Hour)), a.Server("www.example.org", now.Add(300*24*time.Hour))
	cert, key := mailtest.Write(t, dir, "www.pem", old.Leaf), mailtest.Write(t, dir, "www.key", old.PrivateKey)
	pair, err := follow.OpenKeyPair(cert, key, func(error) {})
	if err != nil {
		t.Fatal(err)
	}
	s := &service{conf: &config.Server{}, inFiles: pair.Get}
	s.conf.TLSCert, s.conf.TLSKey = cert, key
	k := &sampler{}
	look := func() (left, failing alert.Reading) {
		t.Helper()
		now = now.Add(time.Minute)
		look := alert.Look{}
		s.lookAtCertificates(look, k, now)
		if len(look["certificate_left"]) != 1 || len(look["certificate_failing"]) != 1 {
			t.Fatalf("%+v", look)
		}
		return look["certificate_left"][0], look["certificate_failing"][0]
	}
	if left, failing := look(); left.Value > 48*3600 || left.Value < 47*3600 || failing.Value != 0 {
		t.Errorf("%+v %+v", left, failing)
	}
	mailtest.Write(t, dir, "www.pem", fresh.Leaf)
	if left, failing := look(); left.Value > 48*3600 || !strings.Contains(left.Detail, "private key does not match") || failing.Value != 1 || failing.Detail == "" {
		t.Errorf("%+v %+v", left, failing)
	}
	mailtest.Write(t, dir, "www.key", fresh.PrivateKey)
	for until := time.Now().Add(time.Minute); !pair.Current().Leaf.Equal(fresh.Leaf) && time.Now().Before(until); {
		time.Sleep(10 * time.Millisecond)
	}
	if left, failing := look(); left.Value < 299*86400 || failing.Value != 0 || failing.Subject != cert {
		t.Errorf("%+v %+v", left, failing)
	}
}

// Disks are looked at where the server has something on one; without that nothing
// is known of any, and one that cannot be read is not gone.
func TestDiskFolders(t *testing.T) {
	data := t.TempDir()
	s := &service{conf: &config.Server{}, env: &Env{}}
	look := alert.Look{}
	if s.lookAtMachine(look); len(look["disk_free"]) != 0 {
		t.Errorf("without a folder: %+v", look["disk_free"])
	}
	s.content.programs = &programs{}
	if got := s.diskFolders(); !slices.Equal(got, []string{os.TempDir()}) {
		t.Errorf("with programs: %q", got)
	}
	s.content.data = data
	if got := s.diskFolders(); !slices.Equal(got, []string{data, os.TempDir()}) {
		t.Errorf("with both: %q", got)
	}
	s.content.data = filepath.Join(data, "gone")
	s.lookAtMachine(look)
	_, _, onDisk := machine.Disk(data)
	r := look["disk_free"]
	if len(r) != 2 || !math.IsNaN(r[0].Value) || onDisk && !(r[1].Value >= 0 && r[1].Value <= 100) {
		t.Errorf("%+v", r)
	}
}
