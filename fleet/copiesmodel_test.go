package fleet

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"maps"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"freshet/internal/wiretest"
	"freshet/internal/worker"
	"freshet/jobs"
)

var copiesRounds = flag.Int("copies.rounds", 20, "how many histories of files that are kept elsewhere TestCopiesModel makes")

// Whatever fails elsewhere, and whenever a server ends: what was acknowledged is
// found by the next one, which begins with an empty folder. Of what tasks write
// the end may be missing, if the server ended without a word.
func TestCopiesModel(t *testing.T) {
	seed := wiretest.Seed(t)
	dir := t.TempDir()
	for round := range uint64(*copiesRounds) {
		synctest.Test(t, func(t *testing.T) {
			m := &copiesModel{t: t, chance: rand.New(rand.NewPCG(seed, round)), o: newFake(), dir: filepath.Join(dir, strconv.FormatUint(round, 10)),
				needed: map[int]bool{}, made: map[string]bool{}, written: map[taskOf][]string{}, sure: map[taskOf]int{}}
			m.open()
			for range 120 {
				m.step()
			}
			m.end(true)
			os.RemoveAll(m.dir)
		})
		if t.Failed() {
			t.Fatalf("round %d", round)
		}
	}
}

// copiesModel is a history: what was acknowledged, and who keeps it now.
type copiesModel struct {
	t      *testing.T
	chance *rand.Rand
	o      *fakeObjects
	dir    string
	opened int

	away    *elsewhere
	inputs  *Inputs
	outputs *Outputs
	logs    *Logs

	job     int                 // the latest one, which is the only one that runs
	needed  map[int]bool        // contents that accepted jobs need
	made    map[string]bool     // outputs that were stored: JOB/TASK/NAME
	written map[taskOf][]string // lines
	sure    map[taskOf]int      // how many of them have to be found
}

func (m *copiesModel) open() {
	m.o.set("", well)
	m.opened++
	dir := filepath.Join(m.dir, strconv.Itoa(m.opened))
	if err := os.MkdirAll(dir, 0o700); err != nil {
		m.t.Fatal(err)
	}
	m.away = elsewhereOf(m.t, m.o)
	var err, err2, err3 error
	m.inputs, err = OpenInputs(dir+"/inputs", InputOptions{}, testRing(), m.away)
	m.outputs, err2 = OpenOutputs(dir+"/outputs", 0, testRing(), m.away)
	m.logs, err3 = OpenLogs(dir+"/logs", testRing(), m.away)
	if err := errors.Join(err, err2, err3); err != nil {
		m.t.Fatal(err)
	}
	m.verify()
}

// end ends the server: in good order, or without a word.
func (m *copiesModel) end(well bool) {
	if !well {
		m.away.yield()
		m.away.close()
	}
	if err := m.logs.Close(); well && err == nil {
		for at, lines := range m.written {
			m.sure[at] = len(lines)
		}
	}
	m.inputs.Close()
	m.away.close()
}

// verify sees that all that was acknowledged is there.
func (m *copiesModel) verify() {
	for k := range m.needed {
		if text, err := m.inputs.text(m.input(k)); text != contentOf(k) || err != nil {
			m.t.Errorf("input %d: %q, %v", k, text, err)
		}
	}
	for key := range m.made {
		job, rest, _ := strings.Cut(key, "/")
		number, name, _ := strings.Cut(rest, "/")
		task, _ := strconv.ParseInt(number, 10, 64)
		if text, err := m.outputs.text(jobs.ID(job), task, name); text != key || err != nil {
			m.t.Errorf("output %s: %q, %v", key, text, err)
		}
	}
	for at, want := range m.written {
		text, _, err := m.logs.Read(at.job, at.task, 0, maxLogPart)
		got := slices.DeleteFunc(strings.Split(string(text), "\n"), func(line string) bool { return line == "" || strings.HasPrefix(line, "-- run") })
		if err != nil || len(got) < m.sure[at] || len(got) > len(want) || !slices.Equal(got, want[:len(got)]) {
			m.t.Errorf("%v: %d lines of %d, %d at least; %v\n%q\n%q", at, len(got), len(want), m.sure[at], err, got, want)
		}
		m.written[at], m.sure[at] = got, len(got)
	}
}

// contentOf is a content that jobs may come with.
func contentOf(k int) string { return strings.Repeat(strconv.Itoa(k), 1+k*k) }

func (m *copiesModel) input(k int) jobs.File { return fileOf("f", contentOf(k)) }

func (m *copiesModel) step() {
	k, task := m.chance.IntN(8), int64(m.chance.IntN(6))
	job := jobs.ID(fmt.Sprintf("job%d", m.job))
	lease := jobs.Lease{Job: job, Task: task, Attempt: 1}
	switch m.chance.IntN(16) {
	case 0:
		f := m.input(k)
		for at, piece := range strings.SplitAfter(contentOf(k), strconv.Itoa(k)) {
			if _, _, err := m.inputs.put(f.SHA256, f.Size, int64(at*len(strconv.Itoa(k))), []byte(piece)); err != nil {
				break
			}
		}
	case 1, 2:
		f := m.input(k)
		if _, whole, err := m.inputs.put(f.SHA256, f.Size, 0, []byte(contentOf(k))); whole && err == nil {
			if err := m.inputs.check([]jobs.Spec{{Files: []jobs.File{f}}}); err != nil {
				m.t.Errorf("%d was just put: %v", k, err)
			}
		}
	case 3:
		if m.inputs.check([]jobs.Spec{{Files: []jobs.File{m.input(k)}}}) == nil {
			m.needed[k] = true
		}
	case 4:
		text, err := m.inputs.text(m.input(k))
		if err == nil && text != contentOf(k) || m.needed[k] && errors.Is(err, worker.ErrInput) {
			m.t.Errorf("input %d: %q, %v", k, text, err)
		}
	case 5:
		delete(m.needed, k)
	case 6:
		time.Sleep(time.Duration(m.chance.IntN(int(2 * inputSettle))))
		m.inputs.forget(func(needs func(string)) error {
			for k := range m.needed {
				needs(m.input(k).SHA256)
			}
			return nil
		})
	case 7, 8:
		name := []string{"a", "b/c"}[m.chance.IntN(2)]
		key := fmt.Sprintf("%s/%d/%s", job, task, name)
		if err := m.outputs.Store(m.t.Context(), lease, name, int64(len(key)), strings.NewReader(key)); err == nil {
			m.made[key] = true
		}
	case 9, 10, 11:
		m.say(lease)
	case 12:
		time.Sleep(time.Duration(m.chance.IntN(int(10 * time.Second))))
	case 13:
		m.o.mu.Lock()
		kinds, often := []fault{fails, unheard, hangs, lateHang, other, short}, m.chance.IntN(4)
		chance := rand.New(rand.NewPCG(m.chance.Uint64(), 1)) // of the objects' own, under mu
		m.o.fault = func(string, string) fault {
			if chance.IntN(4) < often {
				return kinds[chance.IntN(len(kinds))]
			}
			return well
		}
		m.o.mu.Unlock()
	case 14:
		m.o.set("", well)
		if m.chance.IntN(2) == 0 { // what waits is put, the last time after the longest pause
			time.Sleep(putAgainMost + growFor + objectTimeout + closeWithin)
			for at, lines := range m.written {
				m.sure[at] = len(lines)
			}
		} else if m.chance.IntN(2) == 0 {
			m.forgetJob(job)
		}
	case 15:
		m.end(m.chance.IntN(2) == 0)
		m.open()
	}
}

// say has a task write some lines, one of them a long one at times.
func (m *copiesModel) say(lease jobs.Lease) {
	at := taskOf{lease.Job, lease.Task}
	for range 1 + m.chance.IntN(3) {
		line := fmt.Sprintf("%d:%s", len(m.written[at]), strings.Repeat("x", m.chance.IntN(3)*m.chance.IntN(maxPacked)))
		ctx, cancel := context.WithTimeout(m.t.Context(), time.Minute)
		err := m.logs.Append(ctx, lease, []worker.Line{{Text: []byte(line)}})
		cancel()
		if err == nil {
			m.written[at] = append(m.written[at], line)
		}
	}
}

// forgetJob forgets a job, and begins another.
func (m *copiesModel) forgetJob(job jobs.ID) {
	m.job++
	err := errors.Join(m.outputs.forget(job), m.logs.forget(job))
	maps.DeleteFunc(m.made, func(key string, _ bool) bool { return strings.HasPrefix(key, string(job)+"/") })
	maps.DeleteFunc(m.written, func(at taskOf, _ []string) bool { return at.job == job })
	for _, key := range m.o.keys() {
		if err == nil && !strings.HasPrefix(key, ofInputs) && strings.Contains(key, "/"+string(job)+"/") {
			m.t.Errorf("%s is left", key)
		}
	}
}
