package alert

import (
	"strings"
	"testing"
	"time"
)

func TestApply(t *testing.T) {
	for _, c := range []struct{ text, want string }{
		{"latency: > 500ms", "latency: latency_p99 > 0.5s for 5m of 100 warning"},
		{"latency: latency_p99 > 500ms for 1h30m of 5 critical", "latency: latency_p99 > 0.5s for 1h30m of 5 critical"},
		{"latency: > 2", "latency: latency_p99 > 2s for 5m of 100 warning"},
		{"disk: for 1h", "disk: disk_free < 5% for 1h of 0 critical"},
		{"disk: warning", "disk: disk_free < 5% for 5m of 0 warning"},
		{"hit-ratio: off", "hit-ratio: off"},
		{"certificate-expiry:<7d", ""},
		{"certificate-expiry: < 7d", "certificate-expiry: certificate_left < 604800s for 0s of 0 critical"},
		{"busy: request_rate > 1e3 for 2d", "busy: request_rate > 1000 for 48h warning"},
		{"full: cache_disk_percent > 90 for 10m", "full: cache_disk_percent > 90% for 10m warning"},
		{"much: memory > 2GiB", "much: memory > 2097152KiB warning"},
		{"cold: hit_ratio < 20% of 1000", "cold: hit_ratio < 20% of 1000 warning"},
	} {
		all, err := Apply(Rules(), []string{c.text})
		if c.want == "" {
			if err == nil {
				t.Errorf("%s: taken", c.text)
			}
			continue
		}
		if err != nil {
			t.Errorf("%s: %v", c.text, err)
			continue
		}
		name, _, _ := strings.Cut(c.text, ":")
		r := all[indexOf(all, name)]
		if r.String() != c.want {
			t.Errorf("%s: got %s, want %s", c.text, r.String(), c.want)
		}
		again, err := Apply(Rules(), []string{r.String()})
		if err != nil || again[indexOf(again, name)] != r {
			t.Errorf("%s: read again: %v, %+v", r.String(), err, again)
		}
	}
}

func TestApplyRefuses(t *testing.T) {
	for _, c := range []struct{ text, want string }{
		{"", "is no rule"},
		{"latency", "is no rule"},
		{"Latency: off", "is no rule"},
		{"a\r\nb: off", "is no rule"},
		{"latency:", "says nothing"},
		{"latnecy: off", "there is none to switch off; there are hit-ratio"},
		{"latency: < 5s", "other side"},
		{"latency: error_ratio > 5%", "a name of its own"},
		{"latency: > 5%", "in seconds"},
		{"latency: > 5x", "no bound"},
		{"latency: > NaN", "no bound"},
		{"latency: > 1e400", "no bound"},
		{"latency: >", "no bound"},
		{"latency: > 5s for", "not known here"},
		{"latency: > 5s for ever", "length of time"},
		{"latency: > 5s for -1m", "length of time"},
		{"latency: > 5s for 31d", "too long"},
		{"latency: > 5s of -1", "number of requests"},
		{"latency: > 5s loud", "not known here"},
		{"own: > 5", "names no figure"},
		{"own: for 5m", "names no figure"},
		{"own: warning", "no bound"},
		{"own: a-b > 5", "no figure"},
		{"own: request_rate = 5", "no bound"},
		{"own: " + strings.Repeat("x", 600), "more than 500"},
	} {
		_, err := Apply(Rules(), []string{c.text})
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%q: %v", c.text, err)
		} else if strings.ContainsAny(err.Error(), "\r\n") {
			t.Errorf("%q: an error of several lines", c.text)
		}
	}
	if _, err := Apply(Rules(), []string{"a: x > 1", "a: x > 2"}); err == nil {
		t.Error("two rules of one name")
	}
}

// Each rule is whole, about a figure that there is, in its unit.
func TestRules(t *testing.T) {
	seen := map[string]bool{}
	for _, r := range Rules() {
		if seen[r.Name] || !isName(r.Name) || r.What == "" || !strings.HasSuffix(r.Why, ".") || !strings.HasSuffix(r.Do, ".") {
			t.Errorf("%+v", r)
		}
		seen[r.Name] = true
		if unit, ok := unitOf(r.Figure); !ok || unit != r.Unit {
			t.Errorf("%s: %s is in %q", r.Name, r.Figure, unit)
		}
		if back := r.back(r.Bound); r.beyond(back, r.Bound) {
			t.Errorf("%s: it is beyond its bound at %v", r.Name, back)
		}
	}
}

func FuzzApply(f *testing.F) {
	for _, r := range Rules() {
		f.Add(r.String())
	}
	f.Add("busy: request_rate > 1e3 for 2d of 7 critical")
	f.Fuzz(func(t *testing.T, text string) {
		all, err := Apply(Rules(), []string{text})
		if err != nil {
			if strings.ContainsAny(err.Error(), "\r\n\x1b") {
				t.Errorf("the error is obeyed by terminals: %q", err)
			}
			return
		}
		name, _, _ := strings.Cut(text, ":")
		r := all[indexOf(all, strings.TrimSpace(name))]
		again, err := Apply(Rules(), []string{r.String()})
		if err != nil {
			t.Fatalf("%q is read, %q is not: %v", text, r.String(), err)
		}
		if got := again[indexOf(again, r.Name)]; got != r {
			t.Errorf("%q is %+v, then %+v", text, r, got)
		}
	})
}

func TestFormat(t *testing.T) {
	for _, c := range []struct {
		unit Unit
		v    float64
		want string
	}{
		{Percent, 12.345, "12.3 %"}, {Seconds, 0.0125, "12.5 ms"}, {Seconds, 59, "59 s"}, {Seconds, 61, "1m1s"}, {Seconds, 14 * 86400, "14d"}, {Seconds, -3600, "-1h"},
		{Bytes, 3 << 30, "3 GiB"}, {Bytes, 12, "12 B"}, {Plain, 3, "3"}, {Plain, -0.0001, "0"},
	} {
		if got := c.unit.Format(c.v); got != c.want {
			t.Errorf("%v %s: got %s, want %s", c.v, c.unit, got, c.want)
		}
	}
	if d, err := parseSpan("3d"); err != nil || d != 72*time.Hour {
		t.Error(d, err)
	}
}
