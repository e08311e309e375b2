package alert_test

import (
	"fmt"
	"time"

	"freshet/internal/alert"
)

// An origin fails, for long enough, and recovers.
func Example() {
	rules, err := alert.Apply(alert.Rules(), []string{"origin-down: for 1m", "latency: off"})
	if err != nil {
		fmt.Println(err)
		return
	}
	m := alert.New(alert.Options{Rules: rules, Server: "edge-1"})
	now := time.Date(2026, 1, 31, 12, 0, 0, 0, time.UTC)
	for minute := range 6 {
		down := 0.0
		if minute < 3 {
			down = 1
		}
		look := alert.Look{"origin_down": {{Subject: "http://192.0.2.1:8080", Value: down}}}
		for _, n := range m.Step(now.Add(time.Duration(minute)*time.Minute), look) {
			fmt.Println(minute, n.Title())
		}
	}
	// Output:
	// 1 critical: origin-down (http://192.0.2.1:8080) at edge-1
	// 4 over: origin-down (http://192.0.2.1:8080) at edge-1
}
