package acme

import (
	"bytes"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/mholt/acmez/v3/acme"
	"go.uber.org/zap"
)

// TestNote: pauses grow up to a bound, and begin anew after a success; the log
// has an error once a day when people can see a failure, or soon will.
func TestNote(t *testing.T) {
	var log bytes.Buffer
	m := &Manager{o: Options{Retry: time.Minute, Check: 10 * time.Minute, Log: slog.New(slog.NewTextHandler(&log, nil))}}
	n := &name{name: "a.example.org", m: m}
	near := func(got, want time.Duration) bool { return got <= want && got >= want-want/9 }
	for i, want := range []time.Duration{1, 4, 16, 64, 256, 360, 360, 360} {
		if got := n.note(errors.New("no")); !near(got, want*time.Minute) {
			t.Errorf("after failure %d: %v", i+1, got)
		}
	}
	n.failures = 1000
	if got := n.note(errors.New("no")); !near(got, longestPause) {
		t.Errorf("after very many: %v", got)
	}
	count := func() (failed, warned int) {
		defer log.Reset()
		return strings.Count(log.String(), "level=ERROR"), strings.Count(log.String(), "level=WARN")
	}
	if failed, warned := count(); failed != 1 || warned != 8 {
		t.Errorf("%d errors, %d warnings", failed, warned)
	}
	n.told = n.told.Add(-toldEvery)
	n.note(errors.New("no"))
	if failed, _ := count(); failed != 1 {
		t.Error("no error on the next day")
	}
	if got := n.note(nil); !near(got, m.o.Check) || n.now().Err != nil || !n.now().Next.IsZero() {
		t.Errorf("after a success: %v, %+v", got, n.now())
	}
	for range 10 { // what is not the authority's fault
		for _, err := range []error{fmt.Errorf("x: %w", ErrAway), fmt.Errorf("%w: full", errNoRoom)} {
			if got := n.note(err); !near(got, m.o.Retry) || n.failures != 0 || !errors.Is(n.now().Err, err) {
				t.Errorf("%v: %v, %d failures", err, got, n.failures)
			}
		}
	}
	count()
	limited := fmt.Errorf("order: %w", acme.Problem{Type: acme.ProblemTypeRateLimited, Detail: "too many"})
	if got := n.note(limited); !near(got, time.Hour) || !strings.HasPrefix(n.now().Err.Error(), "the authority says: ") {
		t.Errorf("when it is limited: %v, %v", got, n.now().Err)
	}

	n.note(nil)
	count()
	for left, want := range map[time.Duration]int{60 * 24 * time.Hour: 0, 20 * 24 * time.Hour: 1, -time.Hour: 1} {
		until := time.Now().Add(left)
		n.current.Store(&tls.Certificate{Leaf: &x509.Certificate{NotBefore: until.Add(-90 * 24 * time.Hour), NotAfter: until}})
		n.told = time.Time{}
		n.note(errors.New("no"))
		if failed, warned := count(); failed != want || failed+warned != 1 {
			t.Errorf("with %v left: %d errors, %d warnings", left, failed, warned)
		}
	}
}

// TestPauses: a certificate that lives for minutes is looked at, and tried for,
// several times before it ends; who has a long life is not looked at more often.
func TestPauses(t *testing.T) {
	const day = 24 * time.Hour
	m := &Manager{o: Options{Retry: time.Minute, Check: 10 * time.Minute, Log: slog.New(slog.DiscardHandler)}}
	for _, tt := range []struct {
		life, look time.Duration
		tries      []time.Duration
	}{
		{0, 10 * time.Minute, []time.Duration{time.Minute, 4 * time.Minute, 16 * time.Minute}}, // there is none
		{90 * day, 10 * time.Minute, []time.Duration{time.Minute, 4 * time.Minute, 16 * time.Minute}},
		{6 * day, 10 * time.Minute, []time.Duration{time.Minute, 4 * time.Minute, 16 * time.Minute, 64 * time.Minute, 256 * time.Minute, 6 * time.Hour}},
		{day, 10 * time.Minute, []time.Duration{time.Minute, 4 * time.Minute, 16 * time.Minute, 64 * time.Minute, 144 * time.Minute}},
		{time.Hour, 2 * time.Minute, []time.Duration{time.Minute, 4 * time.Minute, 6 * time.Minute}},
		{5 * time.Minute, 10 * time.Second, []time.Duration{30 * time.Second, 30 * time.Second}},
		{5 * time.Second, time.Second, []time.Duration{time.Second}},
	} {
		n := &name{name: "a.example.org", m: m}
		if tt.life > 0 {
			now := time.Now()
			n.current.Store(&tls.Certificate{Leaf: &x509.Certificate{NotBefore: now, NotAfter: now.Add(tt.life)}})
		}
		within := func(what string, got, want time.Duration) {
			if got > want || got < want-want/9 {
				t.Errorf("a life of %v: %s: %v, want %v", tt.life, what, got, want)
			}
		}
		within("a look", n.note(nil), tt.look)
		for i, want := range tt.tries {
			within(fmt.Sprintf("after failure %d", i+1), n.note(errors.New("no")), want)
		}
		within("while the hub is away", n.note(ErrAway), tt.tries[0])
	}
}

// TestZap: what is logged by zap arrives in slog, two levels lower, with its
// fields.
func TestZap(t *testing.T) {
	var log bytes.Buffer
	z := zapTo(slog.New(slog.NewTextHandler(&log, nil))).Named("part").With(zap.Int("n", 1))
	z.Error("wrong", zap.Error(errors.New("it")), zap.Strings("names", []string{"a", "b"}))
	z.Warn("odd")
	if got := log.String(); !strings.Contains(got, "level=INFO msg=wrong n=1") || !strings.Contains(got, "error=it") || !strings.Contains(got, `names="[a b]"`) || !strings.Contains(got, "part=part") || strings.Contains(got, "odd") {
		t.Error(got)
	}
}

func TestCheckName(t *testing.T) {
	for name, good := range map[string]bool{
		"example.org": true, "a.b.example.org": true, "xn--bcher-kva.example": true, "1.example.org": true,
		"": false, ".": false, "example": false, "example.org.": false, "a..b": false, "-a.org": false, "a-.org": false,
		"a_b.org": false, "Example.org": false, "../x.org": false, "a/b.org": false, "*.org.*": false, "127.0.0.1": false, "::1": false, "[::1]": false,
		strings.Repeat("a", 64) + ".org": false, strings.Repeat("a.", 127) + "org": false,
	} {
		if err := CheckName(name, false); (err == nil) != good {
			t.Errorf("%q: %v", name, err)
		}
	}
	if CheckName("*.example.org", false) == nil || CheckName("*.example.org", true) != nil || CheckName("*.*.org", true) == nil || CheckName("*.org", true) == nil {
		t.Error("names with * are not told apart")
	}
}
