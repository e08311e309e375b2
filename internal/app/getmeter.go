package app

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"path/filepath"
	"strings"
	"sync"
	"time"
)

// getMeter shows how far a fetch is, on a line of the terminal that is written
// anew. nil shows nothing.
type getMeter struct {
	w     io.Writer
	width func() int
	name  string
	total int64 // of the body, -1 when it is not known
	from  int64 // that were there before
	start time.Time
	now   func() time.Time
	stop  chan struct{}
	ended sync.WaitGroup

	mu    sync.Mutex // guards what follows
	got   int64
	shown bool
}

// meterEvery is how often a line is written anew.
const meterEvery = 200 * time.Millisecond

// newMeter starts a meter, where one is to be seen: standard error is a
// terminal, the body goes elsewhere, and nothing else is fetched at the same time.
func (f *fetch) newMeter(resp *http.Response) *getMeter {
	c := f.conf
	if _, ok := f.env.stderrWidth(); !ok || c.Silent || !c.Meter || c.AtOnce {
		return nil
	}
	if _, _, terminal := f.env.screen()(); terminal && f.out.name == "" {
		return nil
	}
	m := &getMeter{w: f.env.Stderr, name: filepath.Base(f.out.name), total: resp.ContentLength, from: f.resume.from, start: time.Now(), now: time.Now, stop: make(chan struct{})}
	if f.out.name == "" {
		m.name = f.stats.url.Hostname()
	}
	if m.total >= 0 {
		m.total += m.from
	}
	m.width = func() int {
		columns, _ := f.env.stderrWidth()
		return columns
	}
	m.ended.Go(func() {
		ticks := time.NewTicker(meterEvery)
		defer ticks.Stop()
		for {
			select {
			case <-ticks.C:
				m.show()
			case <-m.stop:
				return
			}
		}
	})
	return m
}

// add counts bytes.
func (m *getMeter) add(n int) {
	if m == nil {
		return
	}
	m.mu.Lock()
	m.got += int64(n)
	m.mu.Unlock()
}

// end shows where it has come to, if anything was shown.
func (m *getMeter) end() {
	if m == nil {
		return
	}
	close(m.stop)
	m.ended.Wait()
	m.mu.Lock()
	shown := m.shown
	m.mu.Unlock()
	if shown {
		m.show()
		io.WriteString(m.w, "\n")
	}
}

func (m *getMeter) show() {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.shown = true
	io.WriteString(m.w, "\r"+m.line(m.now().Sub(m.start), min(m.width(), 80)-1))
}

// line is what is shown after so much time, of that width.
func (m *getMeter) line(passed time.Duration, width int) string {
	rate := int64(0)
	if passed > 0 {
		rate = int64(float64(m.got) / passed.Seconds())
	}
	have := m.from + m.got
	figures := fmt.Sprintf("%10s %10s/s", humanBytes(have), humanBytes(rate))
	bar := ""
	if m.total > 0 {
		done := min(float64(have)/float64(m.total), 1)
		left := "     --"
		if rate > 0 {
			left = fmt.Sprintf("%7s", humanTime(time.Duration(float64(m.total-have)/float64(rate)*1e9)))
		}
		figures = fmt.Sprintf("%3d%% %s %s left", int(done*100), figures, left)
		if room := width - len(figures) - 24; room >= 5 {
			full := int(done * float64(room-2))
			bar = " [" + strings.Repeat("#", full) + strings.Repeat(".", room-2-full) + "]"
		}
	} else {
		figures += fmt.Sprintf(" %7s", humanTime(passed))
	}
	room := max(width-len(figures)-len(bar)-1, 0)
	name := []rune(printable(m.name))
	if len(name) > room {
		name = name[:room]
	}
	text := string(name) + strings.Repeat(" ", room-len(name)) + bar + " " + figures
	if over := len([]rune(text)) - width; over > 0 {
		return string([]rune(text)[over:])
	}
	return text
}

// humanBytes is a number of bytes in at most ten columns.
func humanBytes(n int64) string {
	if n < 1024 {
		return fmt.Sprintf("%d B", n)
	}
	f := float64(n)
	for _, unit := range []string{"KiB", "MiB", "GiB", "TiB"} {
		f /= 1024
		if f < 999.95 || unit == "TiB" {
			return fmt.Sprintf("%.1f %s", f, unit)
		}
	}
	return ""
}

// humanTime is a time in at most seven columns.
func humanTime(d time.Duration) string {
	s := int64(d.Round(time.Second) / time.Second)
	switch {
	case s < 3600:
		return fmt.Sprintf("%d:%02d", s/60, s%60)
	case s < 100*3600:
		return fmt.Sprintf("%d:%02d:%02d", s/3600, s/60%60, s%60)
	}
	return fmt.Sprintf("%dd", min(s/86400, 99999))
}

// getPace spreads bytes over time.
type getPace struct {
	ctx   context.Context
	rate  int64 // bytes a second
	start time.Time
	done  int64
}

func newPace(ctx context.Context, rate int64) *getPace {
	return &getPace{ctx: ctx, rate: rate, start: time.Now()}
}

// getPaced is a body that is read no faster than its pace.
type getPaced struct {
	io.ReadCloser
	pace *getPace
}

// Read implements io.Reader. What is read at once is worth a tenth of a second.
func (r *getPaced) Read(p []byte) (int, error) {
	n, err := r.ReadCloser.Read(p[:min(int64(len(p)), max(r.pace.rate/10, 1))])
	if n > 0 {
		if late := r.pace.wait(n); err == nil {
			err = late
		}
	}
	return n, err
}

// wait waits until n bytes more are due.
func (p *getPace) wait(n int) error {
	p.done += int64(n)
	due := time.Duration(float64(p.done) / float64(p.rate) * 1e9)
	return waitFor(p.ctx, due-time.Since(p.start))
}
