//go:build linux

package faults

import (
	"flag"
	"math/rand/v2"
	"testing"

	"freshet/internal/wiretest"
)

var elsewhere = flag.Bool("faults.elsewhere", false, "also with the queue in NATS elsewhere")

// TestKillAll is the same with two hubs, whose queue is kept by three NATS servers,
// and these are killed as well, one at a time.
func TestKillAll(t *testing.T) {
	if !*elsewhere {
		t.Skip("only with -faults.elsewhere, as in make faults")
	}
	random := rand.New(rand.NewPCG(wiretest.Seed(t), 0))
	servers, url := newCluster(t)
	s := newShape(t, plan{workers: 2, nats: url})
	s.campaign(t, random, s.hubs, s.workers, servers)
}
