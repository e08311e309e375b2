package monitor

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"net/url"
	"time"

	"freshet/check"
	"freshet/internal/monitor/ui"
)

// An examiner checks addresses for those who look at the page: public ones
// only, for whoever can read the page could reach the machine's neighbours by
// it, and one at a time.
type examiner struct {
	turn   chan struct{} // holds one while nobody checks
	result func(ctx context.Context, u *url.URL) []*check.Result
}

// examineTime bounds a check of an address, with all its requests.
const examineTime = 30 * time.Second

func newExaminer(of func(ctx context.Context, u *url.URL) []*check.Result) *examiner {
	e := &examiner{turn: make(chan struct{}, 1), result: of}
	e.turn <- struct{}{}
	if e.result == nil {
		e.result = func(ctx context.Context, u *url.URL) []*check.Result {
			c := check.New(check.Options{Public: true, Timeout: 10 * time.Second, Dial: dialOut})
			defer c.Close()
			return c.URL(ctx, u)
		}
	}
	return e
}

// dialOut connects to what strangers could connect to, too. This machine's own
// public address is not it: what goes there from here passes no firewall, so
// that of its ports the usual ones are asked only.
func dialOut(ctx context.Context, network, address string) (net.Conn, error) {
	if at, err := netip.ParseAddrPort(address); err != nil || at.Port() != 80 && at.Port() != 443 && isOwn(at.Addr()) {
		return nil, errOwnPort
	}
	return new(net.Dialer).DialContext(ctx, network, address)
}

var errOwnPort = errors.New("that is an address of the machine that the monitor runs on, of which ports 80 and 443 are checked here")

// isOwn reports whether an address is one of this machine, which counts as true
// when that cannot be found out.
func isOwn(a netip.Addr) bool {
	all, err := net.InterfaceAddrs()
	for _, own := range all {
		if n, ok := own.(*net.IPNet); ok {
			if ip, ok := netip.AddrFromSlice(n.IP); ok && ip.Unmap() == a.Unmap() {
				return true
			}
		}
	}
	return err != nil
}

// examine checks an address. Its error is that it is none, or that another is
// being checked.
func (e *examiner) examine(text string) ([]*check.Result, error) {
	u, err := check.ParseURL(text)
	if err != nil {
		return nil, err
	}
	select {
	case <-e.turn:
	default:
		return nil, fmt.Errorf("another address is being checked; try again in a moment")
	}
	defer func() { e.turn <- struct{}{} }()
	ctx, cancel := context.WithTimeout(context.Background(), examineTime)
	defer cancel()
	return e.result(ctx, u), nil
}

func checkView(m *Monitor, q *query) (*ui.View, error) {
	f := &ui.Form{Action: "/check", Submit: "Check", Fields: []ui.Field{
		{Name: "url", Label: "Address", Kind: ui.TextField, Value: q.get("url"), Required: true, Wide: true, Placeholder: "https://example.org/",
			Hint: "A public one: what is at private addresses is checked by \"freshet check\"."},
	}}
	v := &ui.View{Title: "Check", Intro: "What is wrong with an answer, how browsers and caches will treat it, and what to do about that.", Sections: []ui.Section{f}}
	if q.get("url") == "" {
		return v, nil
	}
	results, err := m.examiner.examine(q.get("url"))
	if err != nil {
		f.Errors, f.Fields[0].Invalid = []string{err.Error()}, true
		return v, nil
	}
	for _, r := range results {
		v.Sections = append(v.Sections, checked(r)...)
	}
	return v, nil
}

// checked shows what was found at one address.
func checked(r *check.Result) []ui.Section {
	if r.Err != nil {
		return []ui.Section{&ui.Notice{Level: ui.Bad, Title: "No answer", Text: r.URL + ": " + r.Err.Error()}}
	}
	said := &ui.List{Items: []ui.Item{{Term: "Address", Text: r.URL, Mono: true}}}
	if r.Exchange != nil {
		said.Items = append(said.Items, ui.Item{Term: "Status", Text: number(r.Exchange.Status), Level: statusLevel(r.Exchange.Status)})
	}
	if len(r.Findings) == 0 {
		return []ui.Section{said, &ui.Notice{Level: ui.Good, Title: "Nothing was found", Text: "There is nothing to say against this answer."}}
	}
	t := &ui.Table{Caption: "What was found", Columns: []ui.Column{
		{Key: "severity", Title: "Severity", Badge: true}, {Key: "what", Title: "What", Wide: true}, {Key: "where", Title: "Where"},
		{Key: "detail", Title: "Detail", Mono: true}, {Key: "remedy", Title: "What to do"}, {Key: "clause", Title: "Clause"},
	}}
	levels := map[check.Severity]ui.Level{check.Info: ui.Info, check.Warn: ui.Warn, check.Bad: ui.Bad}
	for _, f := range r.Findings {
		t.Rows = append(t.Rows, ui.Row{Cells: []ui.Cell{
			{Text: f.Note.Severity.String(), Level: levels[f.Note.Severity]}, {Text: f.Note.Sentence, Title: f.Note.ID}, {Text: f.Where},
			{Text: f.Detail}, {Text: f.Note.Remedy}, {Text: f.Note.Clause},
		}})
	}
	return []ui.Section{said, t}
}
