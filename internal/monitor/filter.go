package monitor

import (
	"fmt"
	"net/url"
	"strconv"
	"strings"
	"time"

	"freshet/internal/journal"
	"freshet/internal/monitor/ui"
	"freshet/internal/record"
)

// A filter says which requests are of interest. Its zero value keeps all.
type filter struct {
	host    string // a part of the host, in any case
	path    string // a pattern for the target: "*" stands for anything; without one, a part
	status  string // "404", "5xx", or "" for all
	verdict string // its name
	client  string // a beginning of the address
	slower  time.Duration
	after   uint64 // only entries from this number on
	before  uint64 // and below this one; 0: no bound

	low, high int // status codes, of status
	v         record.Verdict
}

// filterNames are the values of an address that a filter is made of.
var filterNames = []string{"host", "path", "status", "verdict", "client", "slower"}

// newFilter reads a filter from an address.
func newFilter(q *query) (*filter, error) {
	f := &filter{
		host: strings.ToLower(q.get("host")), path: q.get("path"), status: strings.ToLower(q.get("status")),
		verdict: q.get("verdict"), client: q.get("client"), high: 1000,
	}
	for strings.Contains(f.path, "**") {
		f.path = strings.ReplaceAll(f.path, "**", "*")
	}
	if f.status != "" {
		var err error
		if f.low, f.high, err = statusRange(f.status); err != nil {
			return nil, err
		}
	}
	if f.verdict != "" {
		v, ok := record.ParseVerdict(f.verdict)
		if !ok {
			return nil, &badQuery{fmt.Sprintf("verdict=%s: there is no such verdict", f.verdict)}
		}
		f.v = v
	}
	if text := q.get("slower"); text != "" {
		ms, err := strconv.ParseFloat(text, 64)
		if err != nil || !(ms >= 0) || ms > 1e9 {
			return nil, &badQuery{fmt.Sprintf("slower=%s is no number of milliseconds", text)}
		}
		f.slower = time.Duration(ms * float64(time.Millisecond))
	}
	return f, nil
}

// statusRange reads "404", "4xx" or "cut".
func statusRange(s string) (low, high int, err error) {
	if s == "cut" {
		return 0, 0, nil
	}
	if class, ok := strings.CutSuffix(s, "xx"); ok && len(class) == 1 && '1' <= class[0] && class[0] <= '5' {
		low = int(class[0]-'0') * 100
		return low, low + 99, nil
	}
	n, err := strconv.Atoi(s)
	if err != nil || n < 100 || n > 999 {
		return 0, 0, &badQuery{fmt.Sprintf("status=%s: give a status code, 1xx to 5xx, or cut", s)}
	}
	return n, n, nil
}

// empty reports whether the filter keeps all requests.
func (f *filter) empty() bool {
	return f.host == "" && f.path == "" && f.status == "" && f.verdict == "" && f.client == "" && f.slower == 0
}

// keeps reports whether a request is of interest.
func (f *filter) keeps(e *journal.Entry) bool {
	switch {
	case e.Seq < f.after, f.before != 0 && e.Seq >= f.before:
		return false
	case f.status != "" && (e.Status < f.low || e.Status > f.high):
		return false
	case f.verdict != "" && e.Verdict != f.v:
		return false
	case f.slower > 0 && e.Duration < int64(f.slower):
		return false
	case f.host != "" && !containsFold(e.Host, f.host):
		return false
	case f.client != "" && !(e.Remote.IsValid() && strings.HasPrefix(e.Remote.Addr().Unmap().String(), f.client)):
		return false
	}
	return f.path == "" || matches(e.Target, f.path)
}

// matches reports whether a target has a part, or fits a pattern with "*".
// However many stars a pattern has, each round takes something of the target.
func matches(target, pattern string) bool {
	part, pattern, star := strings.Cut(pattern, "*")
	if !star {
		return strings.Contains(target, part)
	}
	rest, ok := strings.CutPrefix(target, part)
	for ok {
		part, pattern, star = strings.Cut(strings.TrimLeft(pattern, "*"), "*")
		if !star {
			return strings.HasSuffix(rest, part)
		}
		_, rest, ok = strings.Cut(rest, part)
	}
	return false
}

// form is the filter as it is asked for in a page.
func (f *filter) form(q *query) *ui.Form {
	verdicts := []ui.Option{{Text: "any"}}
	for v := range record.NumVerdicts {
		verdicts = append(verdicts, ui.Option{Value: v.String()})
	}
	form := &ui.Form{Action: "/requests", Submit: "Filter", Fields: []ui.Field{
		{Name: "path", Label: "Path", Kind: ui.SearchField, Value: f.path, Placeholder: "/news/*", Wide: true},
		{Name: "host", Label: "Host", Kind: ui.SearchField, Value: f.host},
		{Name: "status", Label: "Status", Kind: ui.SelectField, Value: f.status, Options: statusOptions(f.status)},
		{Name: "verdict", Label: "Verdict", Kind: ui.SelectField, Value: f.verdict, Options: verdicts},
		{Name: "client", Label: "Client", Kind: ui.SearchField, Value: f.client, Placeholder: "192.0.2."},
		{Name: "slower", Label: "Slower than (ms)", Kind: ui.NumberField, Value: q.get("slower")},
	}}
	form.ID = "filter"
	if !f.empty() {
		form.Cancel = ui.Link{Text: "Show all", Href: "/requests"}
	}
	return form
}

// statusOptions are the usual ones, and the one that holds.
func statusOptions(now string) []ui.Option {
	all := []ui.Option{{Text: "any"}}
	for _, s := range []string{"2xx", "3xx", "4xx", "5xx", "200", "206", "304", "404", "500", "502", "503", "504", "cut"} {
		all = append(all, ui.Option{Value: s})
		if s == now {
			now = ""
		}
	}
	if now != "" {
		all = append(all, ui.Option{Value: now})
	}
	return all
}

// values are those of the filter in an address, for a link to it.
func (f *filter) values(q *query) url.Values {
	v := url.Values{}
	for _, name := range filterNames {
		if text := q.get(name); text != "" {
			v.Set(name, text)
		}
	}
	return v
}
