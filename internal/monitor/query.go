package monitor

import (
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"strings"
)

// A query is what a request for a page or a table asks for.
type query struct {
	page   string // the address without suffix: "/cache"
	name   string // the rest of the path, of pages of one thing
	suffix string // ".json", …; "" for HTML
	values url.Values
}

// How many rows a window has: at first, in a page at most, and for programs at
// most.
const (
	pageRows    = 50
	maxPageRows = 500
	dataRows    = 1000
	maxDataRows = 10000
)

// badQuery is a fault of whoever asked.
type badQuery struct{ text string }

func (e *badQuery) Error() string { return e.text }

// A missing thing was asked for by its name.
type missing struct{ text string }

func (e *missing) Error() string { return e.text }

var (
	errNoFilter = &missing{"This server filters nothing."}
	errNoCache  = &missing{"There is no cache."}
)

// readQuery reads the query of an address. It must be short.
func readQuery(r *http.Request) (url.Values, error) {
	values, err := url.ParseQuery(r.URL.RawQuery)
	if err != nil {
		return nil, &badQuery{"the query cannot be read: " + err.Error()}
	}
	return values, nil
}

// get returns a value without space around it.
func (q *query) get(name string) string { return strings.TrimSpace(q.values.Get(name)) }

// int returns a number from 0 to most.
func (q *query) int(name string, unset, most int) (int, error) {
	text := q.get(name)
	if text == "" {
		return unset, nil
	}
	n, err := strconv.Atoi(text)
	if err != nil || n < 0 {
		return 0, &badQuery{fmt.Sprintf("%s=%s is no number from 0 on", name, text)}
	}
	return min(n, most), nil
}

// none reports whether none of some values is given.
func (q *query) none(names ...string) bool {
	for _, name := range names {
		if q.get(name) != "" {
			return false
		}
	}
	return true
}

// window returns which rows of a table are asked for.
func (q *query) window(t *table) (w *window, err error) {
	w = &window{by: t.by, desc: t.desc}
	rows, most := pageRows, maxPageRows
	if q.suffix != "" {
		rows, most = dataRows, maxDataRows
	}
	if w.offset, err = q.int("offset", 0, 1<<31-1); err != nil {
		return nil, err
	}
	if w.limit, err = q.int("limit", rows, most); err != nil {
		return nil, err
	}
	w.limit = max(1, w.limit)
	if by := q.get("sort"); by != "" {
		c := t.column(by)
		if c == nil || c.plain {
			return nil, &badQuery{fmt.Sprintf("the table %s cannot be sorted by %q", t.name, by)}
		}
		w.by, w.desc = by, c.down
	}
	switch order := q.get("order"); order {
	case "":
	case "asc", "desc":
		w.desc = order == "desc"
	default:
		return nil, &badQuery{fmt.Sprintf("order=%s: give asc or desc", order)}
	}
	return w, nil
}

// with returns the address of the page with other values, given as name and
// value in turn; "" removes one.
func (q *query) with(pairs ...string) string {
	values := url.Values{}
	for name, v := range q.values {
		if len(v) > 0 && v[0] != "" {
			values[name] = v
		}
	}
	for i := 0; i+1 < len(pairs); i += 2 {
		if pairs[i+1] == "" {
			values.Del(pairs[i])
			continue
		}
		values.Set(pairs[i], pairs[i+1])
	}
	return address(q.path(""), values)
}

// as returns the address of the same rows in another form.
func (q *query) as(suffix string) string {
	values := url.Values{}
	for name, v := range q.values {
		if len(v) > 0 && v[0] != "" && name != "offset" && name != "limit" {
			values[name] = v
		}
	}
	return address(q.path(suffix), values)
}

// path is the address without its query.
func (q *query) path(suffix string) string {
	path := q.page
	if q.name != "" {
		path += "/" + url.PathEscape(q.name)
	}
	if path == "/" && suffix != "" {
		path = "/overview"
	}
	return path + suffix
}

func address(path string, values url.Values) string {
	if len(values) == 0 {
		return path
	}
	return path + "?" + values.Encode()
}
