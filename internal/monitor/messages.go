package monitor

import (
	"context"
	"errors"
	"net/url"
	"strconv"
	"strings"
	"time"

	"freshet/internal/monitor/ui"
	"freshet/jobs"
)

// Messages is a bus of messages, as the monitor looks at it. Its methods may be
// called at the same time.
type Messages interface {
	// Streams lists what is stored.
	Streams(ctx context.Context) (*Streams, error)
	// Peek returns a message; after is the number of the next one, 0 for none.
	// It changes nothing. ErrNoMessage: there is none with this number.
	Peek(ctx context.Context, stream string, number uint64) (m *Message, after uint64, err error)
	// Publish stores a message into the stream that takes its subject, and says
	// which that is. It refuses what has one writer.
	Publish(ctx context.Context, subject string, payload []byte) (stream string, number uint64, err error)
}

// ErrNoMessage says that a stream has no message of a number, or that there is
// no such stream.
var ErrNoMessage = errors.New("there is no such message")

// Streams are all streams, by name.
type Streams struct {
	List  []Stream
	Bytes int64 // in use
	Max   int64 // that may be used; 0: not bounded
}

// Stream is messages with numbers.
type Stream struct {
	Name                string
	Subjects            []string
	Entries, Bytes      uint64
	First, Last         uint64 // numbers
	FirstTime, LastTime time.Time
	Consumers           []Consumer
	ByHand              bool // whoever may write may publish into it
}

// Consumer reads a stream, and the server remembers how far.
type Consumer struct {
	Name        string
	Pending     uint64 // that it has not got
	Delivered   uint64 // the number of the last one that it got
	Unconfirmed int    // that it got, and did not acknowledge
	Redelivered int    // that it got more than once
}

// Message is one of a stream.
type Message struct {
	Stream  string
	Number  uint64
	Subject string
	Time    time.Time
	Header  map[string][]string
	Payload []byte
}

var toMessages = ui.Link{Text: "Messages", Href: "/messages"}

// Texts of servers that have no messages.
const (
	noQueueNoMessages = "This server has no job queue, and messages are what its queue keeps; one that is started with --jobs N has."
	noBus             = "This server keeps its queue in a file, for it was built without NATS: there are no messages."
)

// messages returns the bus, or why there is none.
func (m *Monitor) messages() (Messages, error) {
	switch {
	case m.o.Messages != nil:
		return m.o.Messages, nil
	case m.o.Jobs != nil:
		return nil, &missing{noBus}
	}
	return nil, &missing{noQueueNoMessages}
}

// streams asks the bus; there are none without one.
func (m *Monitor) streams() (*Streams, error) {
	if m.o.Messages == nil {
		return &Streams{}, nil
	}
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	return m.o.Messages.Streams(ctx)
}

func streamsTable(m *Monitor, _ *query) (*table, error) {
	s, err := m.streams()
	if err != nil {
		return nil, err
	}
	return streamTable(s.List, m.o.Now()), nil
}

func streamTable(list []Stream, now time.Time) *table {
	at := func(row int) *Stream { return &list[row] }
	since := func(of func(*Stream) time.Time) func(int) float64 {
		return func(row int) float64 {
			if at(row).Entries == 0 {
				return instantOf(time.Time{})
			}
			return lasted(of(at(row)), time.Time{}, now)
		}
	}
	return &table{name: "messages", caption: "Streams", empty: "Nothing is stored yet.", rows: len(list), columns: []column{
		{key: "stream", title: "Stream", mono: true, text: func(row int) string { return ui.Visible(at(row).Name) },
			more: func(row int, c *ui.Cell) {
				if at(row).Entries > 0 {
					c.Href, c.Title = entryAddress(at(row).Name, at(row).Last, ""), "Its latest entry"
				}
			}},
		{key: "entries", title: "Entries", kind: count, down: true, num: func(row int) float64 { return float64(at(row).Entries) }},
		{key: "bytes", title: "Size", kind: octets, down: true, num: func(row int) float64 { return float64(at(row).Bytes) }},
		{key: "oldest", title: "Oldest", kind: seconds, down: true, help: "How long ago its first message was stored.", num: since(func(s *Stream) time.Time { return s.FirstTime })},
		{key: "latest", title: "Latest", kind: seconds, help: "How long ago its last message was stored.", num: since(func(s *Stream) time.Time { return s.LastTime })},
		{key: "first", title: "First", kind: count, help: "The number of its first message.", num: func(row int) float64 { return float64(at(row).First) }},
		{key: "last", title: "Last", kind: count, help: "The number of its last message.", num: func(row int) float64 { return float64(at(row).Last) }},
		{key: "consumers", title: "Consumers", kind: count, down: true, num: func(row int) float64 { return float64(len(at(row).Consumers)) }},
		{key: "writers", title: "Written by", text: func(row int) string {
			if at(row).ByHand {
				return "anybody"
			}
			return "freshet"
		}},
		{key: "subjects", title: "Subjects", mono: true, wide: true, text: func(row int) string { return ui.Visible(strings.Join(at(row).Subjects, " ")) }},
	}}
}

// reader is a consumer with its stream.
type reader struct {
	Consumer
	of *Stream
}

func consumersTable(m *Monitor, _ *query) (*table, error) {
	s, err := m.streams()
	if err != nil {
		return nil, err
	}
	return consumerTable(s.List), nil
}

func consumerTable(streams []Stream) *table {
	var list []reader
	for i := range streams {
		for _, c := range streams[i].Consumers {
			list = append(list, reader{c, &streams[i]})
		}
	}
	at := func(row int) *reader { return &list[row] }
	return &table{name: "consumers", caption: "Consumers", empty: "Nobody reads a stream step by step.", rows: len(list), columns: []column{
		{key: "consumer", title: "Consumer", mono: true, plain: true, text: func(row int) string { return ui.Visible(at(row).Name) }},
		{key: "stream", title: "Stream", mono: true, plain: true, text: func(row int) string { return ui.Visible(at(row).of.Name) }},
		{key: "depth", title: "Depth", kind: count, plain: true, help: "Messages that it has not got yet.", num: func(row int) float64 { return float64(at(row).Pending) }},
		{key: "lag", title: "Lag", kind: count, plain: true, help: "By how many numbers what it got last is behind the stream's last message.",
			num: func(row int) float64 { return float64(at(row).of.Last - min(at(row).Delivered, at(row).of.Last)) }},
		{key: "unconfirmed", title: "Unconfirmed", kind: count, plain: true, help: "It got them, and did not acknowledge them yet.", num: func(row int) float64 { return float64(at(row).Unconfirmed) }},
		{key: "redelivered", title: "Redelivered", kind: count, plain: true, help: "It got them more than once.", num: func(row int) float64 { return float64(at(row).Redelivered) },
			more: func(row int, c *ui.Cell) { c.Level = levelIf(at(row).Redelivered > 0, ui.Warn) }},
	}}
}

// deadShown is how many jobs with dead tasks the page of messages shows.
const deadShown = 20

// deadLetters are the latest jobs whose tasks have no result, with how many jobs
// there are of the kind.
func (m *Monitor) deadLetters() (*ui.Table, error) {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	page, err := m.o.Jobs.Jobs(ctx, jobs.Filter{States: []jobs.State{jobs.Dead}, N: deadShown})
	if err != nil {
		return nil, err
	}
	t := &ui.Table{Empty: "None: no task was given up.", Columns: []ui.Column{
		{Key: "job", Title: "Job", Mono: true}, {Key: "name", Title: "Name"}, {Key: "dead", Title: "Tasks", Numeric: true, Help: "Those that are dead."},
		{Key: "ended", Title: "Ended"}, {Key: "why", Title: "Reason", Wide: true}}}
	t.ID, t.Title, t.Note = "dead", "Dead letters", "Jobs with tasks that were given up: workers were lost with them, or could not start them, as often as is allowed."
	for i := range page.Jobs {
		info := &page.Jobs[i]
		t.Rows = append(t.Rows, ui.Row{Cells: []ui.Cell{
			{Text: string(info.ID), Href: jobAddress(info.ID)}, {Text: ui.Visible(info.Spec.Title())}, {Text: grouped(info.Counts.Of(jobs.Dead))},
			{Text: instant.format(instantOf(info.Ended))}, {Text: ui.Visible(info.Reason), Level: ui.Bad}}})
	}
	if n := int(page.By.Of(jobs.Dead)); n > 0 {
		t.Total = n
		t.Formats = []ui.Link{{Text: "All of them", Href: "/jobs?state=dead"}, {Text: "JSON", Href: "/jobs.json?state=dead"}}
	}
	return t, nil
}

func messagesView(m *Monitor, q *query) (*ui.View, error) {
	v := &ui.View{Title: "Messages"}
	if _, err := m.messages(); err != nil {
		v.Sections = []ui.Section{&ui.Notice{Level: ui.Info, Title: "There are no messages", Text: err.Error()}}
		return v, nil
	}
	s, err := m.streams()
	if err != nil {
		return nil, err
	}
	t := streamTable(s.List, m.o.Now())
	w, err := q.window(t)
	if err != nil {
		return nil, err
	}
	rows := t.html(q, w)
	rows.ID = "streams"
	readers := consumerTable(s.List).html(&query{page: "/messages/consumers"}, &window{limit: maxPageRows})
	v.Refresh = 5 * time.Second
	v.Sections = []ui.Section{messageStats(s), rows, readers}
	if m.o.Jobs != nil {
		dead, err := m.deadLetters()
		if err != nil {
			return nil, err
		}
		v.Sections = append(v.Sections, dead)
	}
	v.Sections = append(v.Sections, publishLink(s))
	return v, nil
}

// messageStats are what is stored in all.
func messageStats(s *Streams) *ui.Stats {
	var entries uint64
	readers := 0
	for i := range s.List {
		entries += s.List[i].Entries
		readers += len(s.List[i].Consumers)
	}
	stored := ui.Stat{Label: "Stored", Value: ui.Bytes.Format(float64(s.Bytes))}
	if s.Max > 0 {
		stored.Note = "of " + ui.Bytes.Format(float64(s.Max))
		stored.Gauge = &ui.Gauge{Value: float64(s.Bytes), Limit: float64(s.Max)}
	}
	return &ui.Stats{Items: []ui.Stat{stored, {Label: "Streams", Value: grouped(int64(len(s.List)))}, {Label: "Entries", Value: grouped(int64(entries))}, {Label: "Consumers", Value: grouped(int64(readers))}}}
}

// byHand are the subjects that may be published to.
func byHand(s *Streams) (subjects []string) {
	for i := range s.List {
		if s.List[i].ByHand {
			subjects = append(subjects, s.List[i].Subjects...)
		}
	}
	return subjects
}

// publishLink leads to where a message is published, if there is a stream for it.
func publishLink(s *Streams) ui.Section {
	if len(byHand(s)) == 0 {
		return &ui.Text{Paragraphs: []string{"All streams here are logs with one writer, freshet itself: nothing can be published by hand."}}
	}
	return &ui.Text{Links: []ui.Link{{Text: "Publish a message …", Href: "/messages/publish"}}}
}

func entryAddress(stream string, number uint64, as string) string {
	values := url.Values{"stream": {stream}, "number": {strconv.FormatUint(number, 10)}}
	if as != "" {
		values.Set("as", as)
	}
	return address(entryPath, values)
}
