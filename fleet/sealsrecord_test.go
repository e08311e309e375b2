package fleet

import (
	"context"
	"testing"

	"freshet/internal/bus"
	"freshet/internal/bustest"
)

// TestSecretsKept: who removes the record of a fleet's secrets takes nothing away while
// a server leads that has read it.
func TestSecretsKept(t *testing.T) {
	url := bustest.Server(t)
	k, _ := candidateOf(t, hubsAt(url)("one", "a"))
	until(t, "all is sealed", func() bool { is := sealingOf(t, k); return is != nil && is.All })
	bustest.Remove(t, url, "seals")
	keysFit := func() error {
		c, err := bus.Connect(t.Context(), bus.ConnectOptions{URL: url, Name: "late"})
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		return c.KeysFit(context.Background())
	}
	n, err := k.now()
	if err != nil {
		t.Fatal(err)
	}
	if said := n.keepSecrets(t.Context(), ""); said != "" {
		t.Error(said)
	}
	if err := keysFit(); !isKeyFault(err) {
		t.Errorf("without keys: %v", err)
	}
	if err := k.Close(); err != nil {
		t.Error(err)
	}
	next, _ := candidateOf(t, hubsAt(url)("two", "a"))
	until(t, "the next one leads", next.leadsNow)
}
