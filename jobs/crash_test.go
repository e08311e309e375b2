package jobs

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// Wherever the power goes away, pages and the entries behind them say what all
// entries say: also in the middle of writing pages, of cutting the log, and of
// deleting what is not needed, and when jobs are forgotten meanwhile.
func TestEveryMomentIsAState(t *testing.T) {
	for seed := range uint64(3) {
		synctest.Test(t, func(t *testing.T) {
			m := newModel(t, seed+100)
			m.options = Options{Keep: time.Second, KeepFailed: 2 * time.Second, KeepJobs: 10}
			var mu sync.Mutex
			var moments []*memLog
			seen := map[string]int{}
			r := rand.New(rand.NewPCG(seed, 3))
			m.hook = func(what string) error {
				log := m.log.copy()
				mu.Lock()
				defer mu.Unlock()
				what, _, _ = strings.Cut(what, "-")
				if seen[what]++; seen[what] < 5 || r.IntN(60) == 0 {
					moments = append(moments, log)
				}
				if what != "append" && r.IntN(20) == 0 {
					return errors.New("no space left") // pages may fail; the log may not
				}
				return nil
			}
			m.begin()
			for range 150 {
				// Jobs of one task that end soon, and an array now and then.
				if m.r.IntN(20) == 0 {
					submit(t, m.s, Spec{Array: Range(1, 1100), Priority: m.r.IntN(3) - 1})
				}
				id := submit(t, m.s, Spec{}, Spec{Name: strings.Repeat("n", m.r.IntN(100))})[1]
				if m.r.IntN(8) == 0 {
					submit(t, m.s, Spec{After: []ID{id}})
				}
				for range m.r.IntN(5) {
					task := claim(t, m.s, Worker{})
					if m.r.IntN(20) > 0 {
						finish(t, m.s, task, Result{Exit: m.r.IntN(2)})
					}
				}
				time.Sleep(time.Duration(m.r.IntN(300)) * time.Millisecond)
				switch m.r.IntN(30) {
				case 0:
					m.restart()
				case 1:
					if err := m.s.Cancel(ctx, id, Array{}); err != nil && !errors.Is(err, ErrUnknown) {
						t.Fatal(err)
					}
				case 2:
					time.Sleep(time.Minute) // leases run out; pages are tried again
				}
			}
			m.hook = nil
			m.restart()
			_ = m.s.Close(ctx)
			for _, what := range []string{"append", "trim", "page j", "page t", "page m"} {
				if seen[what] == 0 {
					t.Errorf("there was no %s", what)
				}
			}
			for _, log := range moments {
				sameState(t, m.history, log)
			}
			sameState(t, m.history, m.log)
		})
	}
}

// Each beginning of a log is a state: nothing in it is refused, and each task is
// in one of its states.
func TestEveryPrefix(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := newModel(t, 1000)
		m.begin()
		m.submit()
		for range 150 {
			m.act()
			m.expire()
		}
		_ = m.s.Close(ctx)
		for n := range len(m.history.entries) {
			cut := m.history.copy()
			cut.entries = cut.entries[:n+1]
			state := stateOf(t, cut, uint64(n+1))
			for _, p := range state.pages {
				for _, j := range p.jobs {
					if got := j.counts().Total(); got != j.n() {
						t.Fatalf("entry %d: job %s has %d tasks, and counts %d", n+1, makeID(j.num), j.n(), got)
					}
				}
			}
		}
	})
}

// A scheduler that was asleep in the middle of writing pages, and goes on when
// another has taken over and cut the log, destroys nothing.
func TestSleeperWritesPages(t *testing.T) {
	for sleepAt := range 12 {
		synctest.Test(t, func(t *testing.T) {
			log, history := newMemLog(), newMemLog()
			asleep := make(chan struct{})
			writes := 0
			first := start(t, &sleepyLog{recorder: recorder{log, history}, sleep: func(what string) {
				if strings.HasPrefix(what, "page") {
					if writes++; writes == sleepAt+1 {
						<-asleep
					}
				}
			}}, Options{PageEntries: 4, ErrorLog: quiet()})
			var ids []ID
			for range 3 {
				ids = append(ids, submit(t, first, Spec{Array: Range(1, 3000)})[0])
			}
			for range 30 {
				finish(t, first, claim(t, first, Worker{}), Result{})
			}
			synctest.Wait()
			second := start(t, recorder{log, history}, Options{PageEntries: 4, Keep: time.Minute})
			for range 30 {
				finish(t, second, claim(t, second, Worker{}), Result{})
			}
			for _, id := range ids[:2] {
				if err := second.Cancel(ctx, id, Array{}); err != nil {
					t.Fatal(err)
				}
			}
			time.Sleep(2 * time.Minute) // two are forgotten
			synctest.Wait()
			if err := second.Close(ctx); err != nil {
				t.Fatal(err)
			}
			close(asleep)
			synctest.Wait()
			_, _ = first.Submit(ctx, Spec{Command: []string{"x"}})
			<-first.Done()
			third := start(t, recorder{log, history}, Options{})
			if page, err := third.Jobs(ctx, Filter{}); err != nil || page.Total != 1 || page.Jobs[0].ID != ids[2] {
				t.Errorf("asleep at write %d: %+v, %v", sleepAt, page, err)
			}
			_ = third.Close(ctx)
			sameState(t, history, log)
		})
	}
}

// A scheduler that goes on writing pages, and cuts the log, while another begins:
// at each step of the one's beginning the other has written so many more.
func TestPagesMoveWhileTheyAreRead(t *testing.T) {
	for pages := range 6 {
		for step := range 8 {
			synctest.Test(t, func(t *testing.T) {
				log, history := newMemLog(), newMemLog()
				allowed := make(chan struct{}, 1000)
				first := start(t, &sleepyLog{recorder: recorder{log, history}, sleep: func(what string) {
					if strings.HasPrefix(what, "page") {
						<-allowed
					}
				}}, Options{PageEntries: 4, ErrorLog: quiet()})
				for range 3 {
					submit(t, first, Spec{Array: Range(1, 3000)})
				}
				for i := range 20 {
					if i%2 == 0 {
						submit(t, first, Spec{Priority: 1})
					}
					finish(t, first, claim(t, first, Worker{}), Result{})
					if pages > 2 {
						allowed <- struct{}{} // there are pages already
						synctest.Wait()
					}
				}
				n := 0
				second, err := New(ctx, &movingLog{recorder{log, history}, func() {
					if n++; n == step {
						for range pages {
							allowed <- struct{}{}
							synctest.Wait()
						}
					}
				}}, Options{})
				if err != nil {
					t.Fatal(err)
				}
				sameDump(t, history, &second.m)
				close(allowed)
				_ = second.Close(ctx)
				_, _ = first.Submit(ctx, Spec{Command: []string{"x"}})
				<-first.Done()
				sameState(t, history, log)
			})
		}
	}
}

// sameDump compares a state with what all entries say.
func sameDump(t *testing.T, history *memLog, m *machine) {
	t.Helper()
	if want, got := stateOf(t, history, uint64(len(history.entries))).dump(), m.dump(); got != want {
		t.Fatalf("all entries say:\n%s\nit says:\n%s", want, got)
	}
}

// movingLog lets something happen before each page and each entry that is read.
type movingLog struct {
	recorder
	step func()
}

func (l *movingLog) Pages(ctx context.Context, f func(key string, page []byte) error) error {
	// The keys of now; what is deleted before it is read is left out, and what
	// is changed is read as it is then.
	for _, key := range slices.Sorted(maps.Keys(l.copy().pages)) {
		l.step()
		if page, ok := l.copy().pages[key]; ok {
			if err := f(key, page); err != nil {
				return err
			}
		}
	}
	return nil
}

func (l *movingLog) Read(ctx context.Context, after uint64, f func(n uint64, entry []byte) error) error {
	l.step()
	return l.recorder.Read(ctx, after, f)
}

// sleepyLog may sleep before it writes pages.
type sleepyLog struct {
	recorder
	sleep func(what string)
}

func (l *sleepyLog) PutPage(ctx context.Context, key string, page []byte) error {
	l.sleep("page " + key)
	return l.recorder.PutPage(ctx, key, page)
}

func quiet() *slog.Logger { return slog.New(slog.NewTextHandler(io.Discard, nil)) }
