package app

import (
	"context"
	"encoding/json"
	"net/http"
	"sync"
	"time"

	"freshet/internal/alert"
	"freshet/internal/notify"
)

// alertTried is what came of a test notice by one way.
type alertTried struct {
	Way   string   `json:"way"`
	Error string   `json:"error,omitempty"`
	Said  []string `json:"said,omitempty"` // the talk with a mail server
}

// alertTestLimit bounds how long a test waits for all ways.
const alertTestLimit = time.Minute

// maxTalk bounds the lines of a talk that are told.
const maxTalk = 300

// serveAlertTest sends a test notice by each way, past the queues, and answers
// what came of it.
func (s *service) serveAlertTest(w http.ResponseWriter, r *http.Request) {
	ctx, cancel := context.WithTimeout(r.Context(), alertTestLimit)
	defer cancel()
	n := alert.TestNotice(s.alertName(), time.Now())
	n.Link = s.alerts.link
	tried := make([]alertTried, len(s.alerts.ways))
	var all sync.WaitGroup
	for i, way := range s.alerts.ways {
		all.Go(func() { tried[i] = tryWay(ctx, way, n) })
	}
	all.Wait()
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "no-store")
	json.NewEncoder(w).Encode(tried) // who has gone misses it
}

func tryWay(ctx context.Context, way func(func(string)) notify.Way, n alert.Notice) (t alertTried) {
	sends := way(func(line string) {
		if len(t.Said) < maxTalk {
			t.Said = append(t.Said, line)
		}
	})
	t.Way = sends.Name()
	if err := sends.Send(ctx, []alert.Notice{n}, 0); err != nil {
		t.Error = alert.Clean(err.Error())
	}
	return t
}
