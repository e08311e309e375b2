package main

import (
	"fmt"
	"math"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"freshet/internal/monitor/ui"
)

// views makes the pages, by path.
var views = map[string]func(*http.Request) *ui.View{
	"/{$}":           overview,
	"/requests":      requests,
	"/requests/{id}": request,
	"/cache":         cachePage,
	"/cache/purge":   purge,
	"/origins":       origins,
	"/config":        configuration,
	"/check":         checkPage,
	"/jobs":          jobs,
	"/empty":         empty,
	"/nasty":         nasty,
}

// began is when everything invented here begins.
var began = time.Date(2030, 5, 1, 12, 0, 0, 0, time.UTC)

// wave invents n numbers around a mean.
func wave(n int, mean, swing, phase float64) []float64 {
	out := make([]float64, n)
	for i := range out {
		x := float64(i)/7 + phase
		out[i] = max(0, mean+swing*(math.Sin(x)+0.4*math.Sin(3.1*x)+0.25*math.Sin(11.3*x+phase)))
	}
	return out
}

// minutes are n times, ten seconds apart.
func minutes(n int) []int64 {
	out := make([]int64, n)
	for i := range out {
		out[i] = began.Unix() + int64(10*(i-n))
	}
	return out
}

func traffic(interactive bool) *ui.Chart {
	bytes := wave(90, 4e6, 2.5e6, 1)
	for i := 40; i < 46; i++ {
		bytes[i] = math.NaN()
	}
	if interactive {
		return &ui.Chart{Head: ui.Head{ID: "traffic", Title: "Bytes sent"}, Unit: ui.BytesPerSecond, Times: minutes(90),
			Series: []ui.Series{{Name: "to clients", Values: bytes}}, Live: true, Interactive: true, Formats: []ui.Link{{Text: "CSV", Href: "/traffic.csv"}}}
	}
	return &ui.Chart{Head: ui.Head{ID: "traffic", Title: "Bytes sent"}, Unit: ui.BytesPerSecond, Times: minutes(90), Series: []ui.Series{{Name: "to clients", Values: bytes}}, Live: true}
}

func verdicts(interactive bool) *ui.Chart {
	return &ui.Chart{
		Head: ui.Head{ID: "verdicts", Title: "Requests"}, Unit: ui.PerSecond, Times: minutes(50), Stacked: true, Live: true, Interactive: interactive,
		Series: []ui.Series{
			{Name: "hits", Level: ui.Good, Values: wave(50, 820, 260, 0)},
			{Name: "misses", Level: ui.Info, Values: wave(50, 160, 60, 2)},
			{Name: "stale", Level: ui.Warn, Values: wave(50, 50, 40, 4)},
			{Name: "errors", Level: ui.Bad, Values: wave(50, 14, 22, 5)},
		},
	}
}

func overview(*http.Request) *ui.View {
	return &ui.View{
		Title: "Overview", Path: "/", Live: "/events?page=overview", Refresh: 5 * time.Second,
		Sections: []ui.Section{
			&ui.Notice{Level: ui.Warn, Title: "Origin b.example answers slowly", Text: "Half of its answers took longer than 2 s in the last five minutes.", Links: []ui.Link{{Text: "Origins", Href: "/origins"}}},
			&ui.Stats{Head: ui.Head{ID: "now"}, Items: []ui.Stat{
				{Key: "rate", Label: "Requests", Value: "1,048", Unit: "/s", Note: "12,345,678 since the start", Href: "/requests"},
				{Key: "hits", Label: "Hit ratio", Value: "87.2", Unit: "%", Note: "of what may be cached", Level: ui.Good, Href: "/cache"},
				{Key: "p99", Label: "99 of 100 within", Value: "4.1", Unit: "ms", Note: "half within 0.2 ms"},
				{Key: "out", Label: "Sent", Value: "4.2", Unit: "MB/s", Note: "1.9 TB since the start"},
				{Key: "connections", Label: "Connections", Value: "212", Note: "of 10,000", Gauge: &ui.Gauge{Value: 212, Limit: 10000}},
				{Key: "memory", Label: "Cache in memory", Value: "241", Unit: "MB", Note: "of 256 MB", Gauge: &ui.Gauge{Value: 241, Limit: 256}},
				{Key: "disk", Label: "Cache on disk", Value: "3.4", Unit: "GB", Note: "of 20 GB", Gauge: &ui.Gauge{Value: 3.4, Limit: 20}},
				{Key: "errors", Label: "Errors", Value: "14", Unit: "/s", Level: ui.Bad, Href: "/requests?status=5xx"},
			}},
			&ui.Columns{Sections: []ui.Section{verdicts(false), traffic(false)}},
			&ui.Columns{Sections: []ui.Section{
				simple("Slowest paths", "Path", "p99 ms", "/search?q=*", "1,204", "/", "211", "/news/2030/05/01/", "96", "/app.js", "3"),
				simple("Refused", "Rule", "Requests", "bad-request-line", "120", "too-many-fields", "14", "host-missing", "3"),
			}},
		},
	}
}

func simple(title, first, second string, pairs ...string) *ui.Table {
	t := &ui.Table{Head: ui.Head{Title: title}, Columns: []ui.Column{{Title: first, Wide: true, Mono: true}, {Title: second, Numeric: true}}}
	for i := 0; i < len(pairs); i += 2 {
		t.Rows = append(t.Rows, ui.Row{Cells: []ui.Cell{{Text: pairs[i]}, {Text: pairs[i+1]}}})
	}
	return t
}

// sample invents the n-th request.
func sample(n int) ui.Row {
	paths := []string{"/", "/app.3f2a91bc.js", "/news/2030/05/01/a-rather-long-title-that-an-editor-thought-of/", "/api/v1/items?page=2&sort=-created", "/img/hero.avif", "/search?q=%D0%B2%D0%BE%D0%B4%D0%B0"}
	kinds := []struct {
		verdict, rule string
		level         ui.Level
		status        string
	}{{"hit", "fresh", ui.Good, "200"}, {"hit", "fresh", ui.Good, "304"}, {"miss", "not-stored", ui.Info, "200"}, {"stale", "stale-while-revalidate", ui.Warn, "200"}, {"pass", "set-cookie", ui.Dim, "200"}, {"error", "origin-timeout", ui.Bad, "504"}}
	k := kinds[n*7%len(kinds)]
	id := "r" + strconv.Itoa(n)
	return ui.Row{ID: id, Cells: []ui.Cell{
		{Text: began.Add(time.Duration(n) * 137 * time.Millisecond).Format("15:04:05.000"), Href: "/requests/" + id},
		{Text: "GET"}, {Text: "www.example.org"}, {Text: paths[n*5%len(paths)]},
		{Text: k.status}, {Text: k.verdict, Level: k.level, Title: k.rule}, {Text: k.rule},
		{Text: strconv.Itoa(n * 7919 % 99991)}, {Text: fmt.Sprintf("%.1f", float64(n*31%500)/10)}, {Text: "192.0.2." + strconv.Itoa(n%250)},
	}}
}

const window, total = 50, 12345

func requests(r *http.Request) *ui.View {
	q := r.URL.Query()
	offset, _ := strconv.Atoi(q.Get("offset"))
	offset = min(max(offset, 0), total-1)
	link := func(name, value string) string {
		changed := r.URL.Query()
		changed.Set(name, value)
		return "/requests?" + changed.Encode()
	}
	column := func(key, title string) ui.Column {
		c := ui.Column{Key: key, Title: title, Sort: link("sort", "-"+key)}
		switch q.Get("sort") {
		case key:
			c.Sorted = ui.Ascending
		case "-" + key:
			c.Sorted, c.Sort = ui.Descending, link("sort", key)
		}
		return c
	}
	t := &ui.Table{
		Head: ui.Head{ID: "requests"}, Caption: "Latest requests", Total: total, Offset: offset,
		Columns: []ui.Column{column("time", "Time"), {Title: "Method"}, {Title: "Host"}, {Title: "Path", Mono: true, Wide: true}, column("status", "Status"),
			{Title: "Verdict", Badge: true, Help: "What the cache made of it."}, {Title: "Rule"}, column("bytes", "Body"), column("ms", "Took"), {Title: "Client"}},
		Formats: []ui.Link{{Text: "JSON", Href: "/requests.json?" + q.Encode()}, {Text: "CSV", Href: "/requests.csv?" + q.Encode()}},
		Empty:   "No request matches.",
	}
	t.Columns[7].Unit, t.Columns[7].Numeric = "bytes", true
	t.Columns[8].Unit, t.Columns[8].Numeric = "ms", true
	if offset == 0 {
		t.MaxRows = window
	} else {
		t.Prev = link("offset", strconv.Itoa(max(0, offset-window)))
	}
	if offset+window < total {
		t.Next = link("offset", strconv.Itoa(offset+window))
	}
	for n := total - offset; n > max(0, total-offset-window); n-- {
		row := sample(n)
		if s := q.Get("status"); s != "" && !strings.HasPrefix(row.Cells[4].Text, strings.TrimRight(s, "x")) {
			continue
		}
		t.Rows = append(t.Rows, row)
	}
	return &ui.View{
		Title: "Requests", Path: "/requests", Intro: "The latest requests first. A click on the time says why it was answered as it was.",
		Live: "/events?" + url.Values{"page": {"requests"}, "status": {q.Get("status")}}.Encode(), Refresh: 5 * time.Second,
		Sections: []ui.Section{
			&ui.Form{Head: ui.Head{ID: "filter"}, Action: "/requests", Submit: "Filter", Cancel: ui.Link{Text: "Show all", Href: "/requests"}, Fields: []ui.Field{
				{Name: "path", Label: "Path", Kind: ui.SearchField, Value: q.Get("path"), Placeholder: "/news/*", Hint: "A path; * stands for anything.", Wide: true},
				{Name: "host", Label: "Host", Kind: ui.SearchField, Value: q.Get("host")},
				{Name: "status", Label: "Status", Kind: ui.SelectField, Value: q.Get("status"), Options: []ui.Option{{Text: "any"}, {Value: "2xx"}, {Value: "3xx"}, {Value: "4xx"}, {Value: "5xx"}}},
				{Name: "verdict", Label: "Verdict", Kind: ui.SelectField, Value: q.Get("verdict"), Options: []ui.Option{{Text: "any"}, {Value: "hit"}, {Value: "miss"}, {Value: "stale"}}},
				{Name: "slow", Label: "Slower than 1 s", Kind: ui.CheckField, Value: q.Get("slow")},
			}},
			t,
		},
	}
}

func request(r *http.Request) *ui.View {
	return &ui.View{
		Title: "GET /news/2030/05/01/", Path: "/requests/" + r.PathValue("id"), Up: ui.Link{Text: "Requests", Href: "/requests"},
		Intro: "Why this request was answered as it was.",
		Sections: []ui.Section{
			&ui.Columns{Sections: []ui.Section{
				&ui.List{Head: ui.Head{Title: "Why"}, Items: []ui.Item{
					{Term: "Verdict", Text: "miss", Level: ui.Info, Note: "The stored answer was too old and the origin had a new one."},
					{Term: "Rule", Text: "lifetime-over", Note: "RFC 9111 §4.2: an answer is fresh until its age reaches its lifetime."},
					{Term: "Remedy", Text: "Send max-age=300 with it, or stale-while-revalidate=60 to answer at once while it is renewed."},
					{Term: "Key", Text: "https www.example.org /news/2030/05/01/", Mono: true, Href: "/cache?key=17"},
					{Term: "Origin", Text: "b.example:8080", Href: "/origins", Note: "answered after 212 ms"},
					{Term: "Status", Text: "200", Level: ui.Good},
				}},
				&ui.Pre{Head: ui.Head{Title: "Answer"}, Label: "Head of the answer", Text: "HTTP/1.1 200 OK\nCache-Control: max-age=10\nContent-Type: text/html; charset=utf-8\nETag: \"5d8c72a5edda8\"\nVary: Accept-Encoding\nCache-Status: freshet; fwd=stale; fwd-status=200; stored; detail=lifetime-over; key=\"https www.example.org /news/2030/05/01/\"\n"},
			}},
			simple("Other requests for it", "Time", "Took", "12:00:01", "0.2", "11:59:48", "212.0"),
		},
	}
}

func cachePage(*http.Request) *ui.View {
	return &ui.View{
		Title: "Cache", Path: "/cache", Live: "/events?page=cache", Refresh: 10 * time.Second,
		Sections: []ui.Section{
			&ui.Stats{Head: ui.Head{Title: "What is kept"}, Items: []ui.Stat{
				{Key: "objects", Label: "Objects", Value: "81,204"},
				{Key: "memory", Label: "Memory", Value: "241", Unit: "MB", Note: "of 256 MB", Gauge: &ui.Gauge{Value: 241, Limit: 256}},
				{Key: "disk", Label: "Disk", Value: "3.4", Unit: "GB", Note: "of 20 GB", Gauge: &ui.Gauge{Value: 3.4, Limit: 20}},
			}},
			verdicts(true), traffic(true),
			&ui.Form{Head: ui.Head{ID: "purge", Title: "Purge"}, Action: "/cache/purge", Submit: "Purge …", Fields: []ui.Field{
				{Name: "url", Label: "Address", Kind: ui.URLField, Wide: true, Required: true, Placeholder: "https://www.example.org/news/"},
			}},
		},
	}
}

func purge(r *http.Request) *ui.View {
	address := r.URL.Query().Get("url")
	return &ui.View{
		Title: "Purge one address?", Path: "/cache/purge", Up: ui.Link{Text: "Cache", Href: "/cache"},
		Sections: []ui.Section{
			&ui.List{Items: []ui.Item{{Term: "Address", Text: address, Mono: true}, {Term: "Variants", Text: "2, of 48 kB together"}}},
			&ui.Form{Head: ui.Head{ID: "sure", Note: "The next request for it asks the origin."}, Action: "/cache/purge", Post: true, Danger: true, Submit: "Purge it",
				Hidden: []ui.Value{{Name: "token", Value: "t0k3n"}, {Name: "url", Value: address}}, Cancel: ui.Link{Text: "Leave it", Href: "/cache"},
				Fields: []ui.Field{{Name: "soft", Label: "Keep it for when the origin fails", Kind: ui.CheckField, Value: "1", Hint: "It becomes stale instead of going."}}},
		},
	}
}

func purged(r *http.Request) *ui.View {
	v := cachePage(r)
	v.Sections = append([]ui.Section{&ui.Notice{Level: ui.Good, Title: "Purged", Text: r.PostFormValue("url")}}, v.Sections...)
	return v
}

func origins(*http.Request) *ui.View {
	t := &ui.Table{Caption: "Origins", Columns: []ui.Column{{Title: "Origin", Mono: true}, {Title: "State", Badge: true}, {Title: "In flight", Numeric: true}, {Title: "Answers", Unit: "/s", Numeric: true}, {Title: "Last fault", Wide: true}},
		Rows: []ui.Row{
			{Cells: []ui.Cell{{Text: "http://a.example:8080"}, {Text: "up", Level: ui.Good}, {Text: "12"}, {Text: "140"}, {}}},
			{Cells: []ui.Cell{{Text: "http://b.example:8080"}, {Text: "slow", Level: ui.Warn}, {Text: "60"}, {Text: "31"}, {Text: "connection_timeout 12 s ago"}}},
			{Cells: []ui.Cell{{Text: "http://c.example:8080"}, {Text: "down", Level: ui.Bad}, {Text: "0"}, {Text: "0"}, {Text: "connection_refused, tried again in 4 s"}}},
		}}
	return &ui.View{Title: "Origins & sites", Path: "/origins", Refresh: 10 * time.Second, Sections: []ui.Section{t}}
}

func configuration(*http.Request) *ui.View {
	return &ui.View{Title: "Configuration", Path: "/config", Sections: []ui.Section{
		&ui.Text{Paragraphs: []string{"Read from freshet.toml 3 days ago."}, Links: []ui.Link{{Text: "Reference", Href: "/config/reference"}}},
		&ui.Pre{Head: ui.Head{Title: "freshet.toml"}, Text: "[server]\nlisten = [\":80\"]\n\n[[site]]\nhosts = [\"www.example.org\"]\n\n[[site.route]]\npath = \"/\"\nto = [\"http://a.example:8080\", \"http://b.example:8080\", \"http://c.example:8080\"] # a rather long line that has to scroll by itself on a phone\n"},
	}}
}

func checkPage(*http.Request) *ui.View {
	return &ui.View{Title: "Check", Path: "/check", Sections: []ui.Section{
		&ui.Form{Head: ui.Head{ID: "check"}, Action: "/check", Submit: "Check", Errors: []string{"htp://www.example.org/: no such scheme; did you mean http?"},
			Fields: []ui.Field{{Name: "url", Label: "Address", Kind: ui.URLField, Value: "htp://www.example.org/", Wide: true, Required: true, Invalid: true}}},
	}}
}

func jobs(*http.Request) *ui.View {
	t := &ui.Table{Head: ui.Head{ID: "jobs"}, Caption: "Jobs", Total: 3, Columns: []ui.Column{{Title: "Job", Mono: true}, {Title: "State", Badge: true}, {Title: "Progress"}, {Title: "Message", Wide: true}, {Title: "Actions"}}}
	for i, state := range []string{"running", "failed", "waiting"} {
		id := strconv.Itoa(4711 + i)
		level := []ui.Level{ui.Info, ui.Bad, ui.Dim}[i]
		t.Rows = append(t.Rows, ui.Row{ID: id, Cells: []ui.Cell{
			{Text: id, Href: "/jobs/" + id}, {Text: state, Level: level}, {Text: strconv.Itoa(25*(3-i)) + " %", Gauge: &ui.Gauge{Value: float64(25 * (3 - i)), Limit: 100, Warn: -1, Label: "done"}},
			{Text: "frame 17 of 24"}, {Links: []ui.Link{{Text: "retry", Href: "/jobs/" + id + "/retry"}, {Text: "cancel", Href: "/jobs/" + id + "/cancel"}}},
		}})
	}
	return &ui.View{Title: "Jobs", Path: "/jobs", Refresh: 5 * time.Second, Sections: []ui.Section{t}}
}

func empty(*http.Request) *ui.View {
	return &ui.View{Title: "Nothing yet", Path: "/empty", Live: "/events", Refresh: 5 * time.Second, Sections: []ui.Section{
		&ui.Table{Head: ui.Head{ID: "requests"}, Caption: "Requests", MaxRows: 10, Columns: []ui.Column{{Title: "Time"}, {Title: "Path"}}, Empty: "No request came yet."},
		&ui.Chart{Head: ui.Head{ID: "traffic", Title: "Traffic"}, Live: true, Series: []ui.Series{{Name: "requests"}}},
	}}
}

// nasty is a page whose values try to be more than text.
func nasty(*http.Request) *ui.View {
	evil := "<script>document.title='evil'</script>\"'><img src=x onerror=\"document.title='evil'\">\u202egpj.exe"
	return &ui.View{Title: evil, Path: "/nasty", Intro: evil, Sections: []ui.Section{
		&ui.Notice{Title: evil, Text: evil, Links: []ui.Link{{Text: evil, Href: "javascript:document.title='evil'"}}},
		&ui.Table{Head: ui.Head{ID: "requests"}, Caption: evil, MaxRows: 5, Columns: []ui.Column{{Title: evil}, {Title: "Path"}}, Rows: []ui.Row{{Cells: []ui.Cell{{Text: evil, Title: evil, Href: "javascript:document.title='evil'"}, {Text: evil}}}}},
		&ui.Pre{Label: "evil", Text: evil},
	}, Live: "/events"}
}

func missing(r *http.Request) *ui.View {
	return &ui.View{Title: "Not found", Path: r.URL.Path, Sections: []ui.Section{
		&ui.Text{Paragraphs: []string{"There is no page at this address."}, Links: []ui.Link{{Text: "Overview", Href: "/"}}},
	}}
}

// event is one to send.
type event struct {
	name string
	data any
}

// moment invents the events of the n-th tick.
func moment(n int, now time.Time) []event {
	x := float64(n) / 5
	rate := 1000 + 300*math.Sin(x)
	v := func(f float64) ui.Reading { return ui.Reading(max(0, f)) }
	row := sample(total + n + 1)
	at := began.Unix() + int64(10*n)
	return []event{
		{ui.EventStats, ui.StatsEvent{
			"rate":   {Text: fmt.Sprintf("%.0f", rate), Note: now.UTC().Format("15:04:05")},
			"memory": {Text: fmt.Sprint(200 + n%56), Value: float64(200 + n%56)},
		}},
		{ui.EventRows, ui.RowsEvent{Table: "requests", Rows: []ui.Row{row}, Total: total + n + 1}},
		{ui.EventChart, ui.ChartEvent{Chart: "verdicts", Time: at, Values: []ui.Reading{v(rate * .8), v(rate * .15), v(rate * .04), v(rate * .01)}}},
		{ui.EventChart, ui.ChartEvent{Chart: "traffic", Time: at, Values: []ui.Reading{v(rate * 4e3)}}},
	}
}
