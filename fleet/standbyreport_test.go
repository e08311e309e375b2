package fleet

import (
	"encoding/json"
	"log/slog"
	"slices"
	"testing"

	"freshet/internal/bus"
)

// A server that reports as soon as the hub of a standby's fleet lets it in is told
// where the hubs are: what its report is answered from is there before the door opens.
func TestHubsAreKnownBeforeReports(t *testing.T) {
	where := []string{"192.0.2.1:4222"}
	n := &Node{name: "a", shared: &shared{name: "a", by: map[string][]string{"b": where}}}
	if err := n.enroll(t.Context(), &Options{NATS: &NATS{}, ErrorLog: slog.New(slog.DiscardHandler)}); err != nil {
		t.Fatal(err)
	}
	report, err := json.Marshal(&Report{Run: "1"})
	if err != nil {
		t.Fatal(err)
	}
	answer, err := n.roll.hear(t.Context(), bus.Request{From: "m", Payload: report})
	if err != nil {
		t.Fatal(err)
	}
	var h heard
	if err := json.Unmarshal(answer, &h); err != nil || !slices.Equal(h.Hubs, where) {
		t.Errorf("%s: %v", answer, err)
	}
}
