package main

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"strings"
	"testing"
	"time"
)

// Each server answers the load, which compares what comes back.
func TestServersAnswer(t *testing.T) {
	for _, s := range servers {
		t.Run(s.name, func(t *testing.T) {
			ctx, cancel := context.WithCancel(t.Context())
			r, w := io.Pipe()
			served := make(chan error, 1)
			go func() { served <- serve(ctx, s.name, w) }()
			var addr string
			if _, err := fmt.Fscanf(r, serving+"%s\n", &addr); err != nil {
				t.Fatal(err)
			}
			l := plan{clients: 2, window: 4, size: 100}
			var out bytes.Buffer
			if err := l.run(addr, 10*time.Millisecond, &out); err != nil {
				t.Error(err)
			}
			var res result
			if _, err := fmt.Sscanf(out.String(), resultForm, &res.answered, &res.lost, &res.took); err != nil || res.answered == 0 {
				t.Errorf("%q: %v", out.String(), err)
			}
			cancel()
			if err := <-served; err != nil {
				t.Error(err)
			}
		})
	}
}

func TestWrite(t *testing.T) {
	all := make([]figures, len(servers))
	for i := range all {
		all[i] = figures{cost: []float64{1, float64(i + 1)}, rate: []float64{1000, 1000}}
	}
	var b strings.Builder
	if err := write(&b, all); err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(b.String(), "CPU of inline ÷ loop: median of the rounds' ratios 2.000, from 1.000 to 3.000") {
		t.Error(b.String())
	}
}
