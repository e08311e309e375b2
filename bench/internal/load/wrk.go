package load

import (
	"context"
	"fmt"
	"strconv"
	"strings"
	"time"
)

func runWrk(ctx context.Context, p Plan) (Result, error) {
	// wrk knows whole seconds only.
	seconds := int((p.For + time.Second - 1) / time.Second)
	args := []string{"wrk", "-t1", "-c", strconv.Itoa(p.Conns), "-d", strconv.Itoa(seconds) + "s", "--latency", "--timeout", "10s"}
	for _, h := range p.Header {
		args = append(args, "-H", h)
	}
	if p.Script != "" {
		args = append(args, "-s", p.Script)
	}
	args = append(args, p.URL)
	if p.Argument != "" {
		args = append(args, "--", p.Argument)
	}
	out, err := run(ctx, p, args)
	if err != nil {
		return Result{}, err
	}
	return parseWrk(string(out))
}

// parseWrk reads the report of wrk --latency.
func parseWrk(out string) (Result, error) {
	var r Result
	var err error
	number := func(s string) int64 {
		n, e := strconv.ParseInt(strings.TrimSuffix(s, ","), 10, 64)
		if e != nil && err == nil {
			err = e
		}
		return n
	}
	for line := range strings.Lines(out) {
		f := strings.Fields(line)
		switch {
		case len(f) == 2 && f[0] == "99%":
			d, e := wrkTime(f[1])
			if e != nil {
				return r, fmt.Errorf("read wrk's report: %w", e)
			}
			r.P99 = d
		case len(f) > 3 && f[1] == "requests" && f[2] == "in":
			r.Requests = number(f[0])
		case strings.HasPrefix(strings.TrimSpace(line), "Non-2xx or 3xx responses:"):
			r.Unsuccessful = number(f[len(f)-1])
		case len(f) == 10 && f[0] == "Socket" && f[1] == "errors:":
			r.Failed = number(f[3]) + number(f[5]) + number(f[7]) + number(f[9])
			r.Failures = strings.Join(f[2:], " ")
		case len(f) == 2 && f[0] == "Requests/sec:":
			v, e := strconv.ParseFloat(f[1], 64)
			if e != nil {
				return r, fmt.Errorf("read wrk's report: %w", e)
			}
			r.PerSecond = v
		}
	}
	if err != nil {
		return r, fmt.Errorf("read wrk's report: %w", err)
	}
	if r.Requests == 0 {
		return r, fmt.Errorf("wrk: %w: %s", ErrNoRequest, strings.TrimSpace(out))
	}
	return r, nil
}

// wrkTime reads a time as wrk prints it: 786.00us, 2.52ms, 1.03s, 1.50m.
func wrkTime(s string) (time.Duration, error) {
	d, err := time.ParseDuration(s)
	if err != nil {
		return 0, fmt.Errorf("a latency of %q", s)
	}
	return d, nil
}
