package load

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"freshet/bench/internal/stats"
)

func runH2load(ctx context.Context, p Plan) (Result, error) {
	p.For = max(p.For, time.Second) // with less it does not come to its end
	// The summary has no quantiles: they are taken from the log.
	log := filepath.Join(p.Dir, "h2load.log")
	defer os.Remove(log)
	args := []string{"h2load", "-t1", "-c", strconv.Itoa(p.Conns), "-m", strconv.Itoa(p.Streams),
		"-D", fmt.Sprintf("%dms", p.For.Milliseconds()), "--log-file", log}
	for _, h := range p.Header {
		args = append(args, "-H", h)
	}
	out, err := run(ctx, p, append(args, p.URL))
	if err != nil {
		return Result{}, err
	}
	r, err := parseH2load(string(out))
	if err != nil {
		return r, err
	}
	f, err := os.Open(log)
	if err != nil {
		return r, err
	}
	defer f.Close()
	r.P99, err = quantileOfLog(f, 0.99)
	return r, err
}

// parseH2load reads the report of h2load, all but the latency.
func parseH2load(out string) (Result, error) {
	var r Result
	bad := func(line string) (Result, error) {
		return r, fmt.Errorf("h2load's report has %q", strings.TrimSpace(line))
	}
	for line := range strings.Lines(out) {
		switch {
		case strings.HasPrefix(line, "finished in "):
			_, rest, ok := strings.Cut(line, ", ")
			rate, _, ok2 := strings.Cut(rest, " req/s")
			v, err := strconv.ParseFloat(rate, 64)
			if !ok || !ok2 || err != nil {
				return bad(line)
			}
			r.PerSecond = v
		case strings.HasPrefix(line, "requests: "):
			n, err := counts(strings.TrimPrefix(line, "requests: "))
			if err != nil {
				return bad(line)
			}
			r.Requests = n["done"]
			if r.Failed = n["errored"] + n["timeout"]; r.Failed > 0 {
				r.Failures = fmt.Sprintf("errored %d, timeout %d", n["errored"], n["timeout"])
			}
		case strings.HasPrefix(line, "status codes: "):
			n, err := counts(strings.TrimPrefix(line, "status codes: "))
			if err != nil {
				return bad(line)
			}
			r.Unsuccessful = n["4xx"] + n["5xx"]
		}
	}
	if r.Requests == 0 {
		return r, fmt.Errorf("h2load: %w: %s", ErrNoRequest, strings.TrimSpace(out))
	}
	return r, nil
}

// counts reads "12 total, 11 done" as {total: 12, done: 11}.
func counts(s string) (map[string]int64, error) {
	n := map[string]int64{}
	for part := range strings.SplitSeq(strings.TrimSpace(s), ", ") {
		number, name, _ := strings.Cut(part, " ")
		v, err := strconv.ParseInt(number, 10, 64)
		if err != nil {
			return nil, err
		}
		n[name] = v
	}
	return n, nil
}

// quantileOfLog reads h2load's log, one request a line: start, status,
// microseconds.
func quantileOfLog(r io.Reader, q float64) (time.Duration, error) {
	var us []float64
	lines := bufio.NewScanner(r)
	for lines.Scan() {
		f := strings.Split(lines.Text(), "\t")
		if len(f) < 3 {
			return 0, fmt.Errorf("h2load's log has %q", lines.Text())
		}
		v, err := strconv.ParseFloat(f[2], 64)
		if err != nil {
			return 0, fmt.Errorf("h2load's log has %q", lines.Text())
		}
		us = append(us, v)
	}
	if err := lines.Err(); err != nil {
		return 0, fmt.Errorf("read h2load's log: %w", err)
	}
	if len(us) == 0 {
		return 0, errors.New("h2load's log is empty")
	}
	return time.Duration(stats.Quantile(us, q) * float64(time.Microsecond)), nil
}
