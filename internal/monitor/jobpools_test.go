package monitor

import (
	"context"
	"encoding/json"
	"strings"
	"testing"

	"freshet/jobs"
)

// Pools that have a limit are shown with it.
func TestJobPools(t *testing.T) {
	f := newQueueFixture(t)
	if body := f.page(t, "/jobs", 200); strings.Contains(body, "jobpools") {
		t.Error("pools without a limit are shown")
	}
	if err := f.queue.(*jobs.Scheduler).SetLimits(context.Background(), map[string]int{"ren<der": 4}, nil); err != nil {
		t.Fatal(err)
	}
	contain(t, f.page(t, "/jobs", 200), `id="jobpools"`, "ren&lt;der", "/jobs?pool=ren%3Cder")
	var got struct {
		Rows []struct {
			Pool           string
			Running, Limit int
		}
	}
	if err := json.Unmarshal([]byte(f.page(t, "/jobs/pools.json", 200)), &got); err != nil || len(got.Rows) != 1 || got.Rows[0].Pool != "ren<der" || got.Rows[0].Limit != 4 {
		t.Errorf("%+v %v", got, err)
	}
}
