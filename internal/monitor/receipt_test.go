package monitor

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"freshet/internal/control"
)

// purges is a purger of a fleet that knows some receipts.
type purges []control.Receipt

func (p purges) Purge(q *control.Request) (*control.Answer, error) {
	if q.Receipts {
		return &control.Answer{Receipts: p}, nil
	}
	id := q.Receipt + q.Undo
	if q.Purges() {
		id = p[0].ID
	}
	for i := range p {
		if p[i].ID == id {
			return &control.Answer{Receipt: &p[i]}, nil
		}
	}
	return nil, errors.New("no such receipt")
}

// The receipts of a fleet name its servers, those first that are missing.
func TestReceiptsOfFleet(t *testing.T) {
	day := time.Date(2026, 1, 31, 12, 0, 0, 0, time.UTC)
	list := purges{
		{ID: "here", What: []string{"tag a"}, Time: day, Objects: 1, Done: day},
		{ID: "fleet", What: []string{"tag b"}, Soft: true, Undoable: true, Time: day, Objects: 7, Nodes: []control.NodeReceipt{
			{Node: "web-1", State: control.NodeDone, Objects: 7, Bytes: 9, Done: day, Counting: true},
			{Node: "web-2<b>\u202e", State: control.NodeAway, Since: day.Add(time.Second), Fault: "<script>alert(1)"},
			{Node: "web-3", State: control.NodeWaiting},
		}},
	}
	many := control.Receipt{ID: "many", Time: day}
	for i := range 20 {
		many.Nodes = append(many.Nodes, control.NodeReceipt{Node: fmt.Sprint("n", i), State: control.NodeAway})
	}
	alone := newFixture(t, func(o *Options) { o.Purger = list[:1] })
	if text := send(alone.Local(), "GET", "/purges.json", "").Body.String(); strings.Contains(text, `"missing"`) || !strings.Contains(text, "tag a") {
		t.Errorf("a server alone: %s", text)
	}
	f := newFixture(t, func(o *Options) { o.Purger = append(list, many) })
	h := f.Local()
	for at, want := range map[string][]string{
		"/purges":                  {"web-2&lt;b&gt;", "web-3", "Missing at", "/purges/receipt?id=fleet", "n7 and 12 more"},
		"/purges?sort=nodes":       {"web-3"},
		"/purges.csv":              {",missing,", "web-3"},
		"/purges/receipt?id=fleet": {"Not applied everywhere", "Away: web-2&lt;b&gt;", "Not applied yet at web-3.", "away", "waiting", "soft", "Undo …", "&lt;script&gt;alert(1)"},
		"/purges/receipt?id=here":  {"tag a", "hard", "done"},
	} {
		w := send(h, "GET", at, "", "Accept", "*/*")
		body := w.Body.String()
		if w.Code != 200 || strings.Contains(body, "<script>alert") || strings.Contains(body, "\u202e") {
			t.Errorf("%s: %d, or it has text as markup", at, w.Code)
		}
		for _, part := range want {
			if !strings.Contains(body, part) {
				t.Errorf("%s: no %q in\n%s", at, part, body)
			}
		}
	}
	if body := send(h, "GET", "/purges/receipt?id=here", "").Body.String(); strings.Contains(body, "Not applied everywhere") || strings.Contains(body, "Freed</th>") {
		t.Error("the purge of a server alone has a fleet")
	}
	var nodes struct {
		Rows []struct{ Node, State, Fault string }
	}
	text := send(h, "GET", "/purges/receipt.json?id=fleet", "").Body.Bytes()
	if err := json.Unmarshal(text, &nodes); err != nil || len(nodes.Rows) != 3 || nodes.Rows[0].State != "away" || nodes.Rows[1].Node != "web-3" || nodes.Rows[2].State != "done" {
		t.Errorf("%v %s", err, text)
	}
	for _, at := range []string{"/purges/receipt", "/purges/receipt?id=none"} {
		if w := send(h, "GET", at, ""); w.Code != 404 {
			t.Errorf("%s: %d", at, w.Code)
		}
	}
	if w := send(h, "POST", "/purges/undo", "id=fleet", "Content-Type", "application/x-www-form-urlencoded"); w.Code != 200 || !strings.Contains(w.Body.String(), "holds no more") || !strings.Contains(w.Body.String(), "Away: web-2") {
		t.Errorf("undone: %d %s", w.Code, w.Body)
	}
	if w := send(h, "POST", "/purges/undo", "id=none", "Content-Type", "application/x-www-form-urlencoded"); w.Code != 400 || !strings.Contains(w.Body.String(), "no such receipt") {
		t.Errorf("undone: %d %s", w.Code, w.Body)
	}
}

func TestPurgedByFleet(t *testing.T) {
	a := &control.Answer{Receipt: &control.Receipt{ID: "x", Objects: 2, Nodes: []control.NodeReceipt{{Node: "web-1", State: control.NodeDone}, {Node: "web-2", State: control.NodeAway}}}}
	const want = "2 answers were forgotten. The receipt is x. Away: web-2; what was purged is not served there, and the purge is applied when they are back."
	if got := purgedBy(a); got != want {
		t.Errorf("%q", got)
	}
}
