package monitor

import (
	"context"
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"time"
)

// fakeBus has the messages 2, 5 and 6 of a stream that anybody may write.
type fakeBus struct{ published string }

var fakeMessages = map[uint64]string{2: "plain " + hostile, 5: `{"a":[1,"` + "\u202e" + `<b>"]}`, 6: "\x00\x01binary\xff"}

func (b *fakeBus) Streams(context.Context) (*Streams, error) {
	then := time.Now().Add(-time.Hour)
	return &Streams{Bytes: 1 << 20, Max: 64 << 20, List: []Stream{
		{Name: "log_jobs", Subjects: []string{"freshet.log.jobs"}, Entries: 7, Bytes: 700, First: 1, Last: 7, FirstTime: then, LastTime: then},
		{Name: hostile, Subjects: []string{"orders.>", hostile}, Entries: 3, Bytes: 99, First: 2, Last: 6, FirstTime: then, LastTime: then, ByHand: true,
			Consumers: []Consumer{{Name: "reader" + hostile, Pending: 1, Delivered: 5, Redelivered: 4, Unconfirmed: 2}}},
	}}, nil
}

func (b *fakeBus) Peek(_ context.Context, stream string, number uint64) (*Message, uint64, error) {
	next := map[uint64]uint64{1: 2, 2: 5, 3: 5, 4: 5, 5: 6}[number]
	text, ok := fakeMessages[number]
	if !ok || stream != hostile {
		return nil, next, ErrNoMessage
	}
	return &Message{Stream: stream, Number: number, Subject: "orders.new", Time: time.Now(), Header: map[string][]string{"Kind" + hostile: {hostile}}, Payload: []byte(text)}, next, nil
}

func (b *fakeBus) Publish(_ context.Context, subject string, payload []byte) (string, uint64, error) {
	if subject != "orders.new" {
		return "", 0, errors.New("no stream has it")
	}
	b.published = string(payload)
	return "orders", 7, nil
}

var ownersFields = []string{"Authorization", "Bearer owner's token", "Accept", "text/html"}

func TestMessages(t *testing.T) {
	f := newFixture(t, func(o *Options) { o.Messages = &fakeBus{} })
	h := f.Handler()
	body := send(h, "GET", "/messages", "", "Accept", "text/html").Body.String()
	for _, want := range []string{"log_jobs", "orders.&gt;", "Redelivered", "/messages/consumers.json", "Publish a message"} {
		if !strings.Contains(body, want) {
			t.Errorf("without %q", want)
		}
	}
	if strings.Contains(body, "<script>alert") {
		t.Error("it has a script")
	}
	var got struct {
		Rows []map[string]any
	}
	if err := json.Unmarshal(send(h, "GET", "/messages.json?sort=entries", "").Body.Bytes(), &got); err != nil || len(got.Rows) != 2 || got.Rows[0]["entries"] != 7.0 || got.Rows[0]["writers"] != "freshet" {
		t.Errorf("%v %v", got, err)
	}
	if err := json.Unmarshal(send(h, "GET", "/messages/consumers.json", "").Body.Bytes(), &got); err != nil || len(got.Rows) != 1 || got.Rows[0]["depth"] != 1.0 || got.Rows[0]["lag"] != 1.0 || got.Rows[0]["redelivered"] != 4.0 {
		t.Errorf("%v %v", got, err)
	}
	if w := send(h, "GET", "/messages/consumers.csv", ""); w.Code != 200 || !strings.HasPrefix(w.Body.String(), "consumer,stream,depth,lag,") {
		t.Errorf("%d %s", w.Code, w.Body)
	}
}

// What a message says is for those who may write, however it is shown.
func TestEntries(t *testing.T) {
	h := newFixture(t, func(o *Options) { o.Messages = &fakeBus{} }).Handler()
	if w := send(h, "GET", entryAddress(hostile, 2, ""), "", "Accept", "text/html"); w.Code != 401 {
		t.Errorf("without the token: %d", w.Code)
	}
	get := func(at string) (int, string) {
		w := send(h, "GET", at, "", ownersFields...)
		return w.Code, w.Body.String()
	}
	link := func(number uint64, as, text string) string {
		return `href="` + strings.NewReplacer("&", "&amp;", "+", "&#43;").Replace(entryAddress(hostile, number, as)) + `">` + text
	}
	for _, tt := range []struct {
		number uint64
		as     string
		want   []string
	}{
		{2, "", []string{"plain ", "orders.new", link(5, "", "Next"), link(6, "", "Last"), "&lt;script&gt;"}},
		{5, "", []string{"  &#34;a&#34;: [\n", link(2, "", "First"), link(4, "", "← Previous"), link(6, "", "Next")}},
		{5, "hex", []string{"7b 22 61 22", link(4, "hex", "← Previous")}},
		{6, "", []string{"|..binary.|"}},
		{6, "json", []string{"It is no JSON", "binary"}},
		{4, "", []string{"There is none", link(3, "", "← Previous"), link(5, "", "Next")}},
		{900, "", []string{"There is none", link(6, "", "← Previous")}},
	} {
		status, body := get(entryAddress(hostile, tt.number, tt.as))
		if status != 200 {
			t.Errorf("%d: %d", tt.number, status)
		}
		for _, want := range tt.want {
			if !strings.Contains(body, want) {
				t.Errorf("%d as %q: without %q:\n%s", tt.number, tt.as, want, body[strings.Index(body, "<main"):])
			}
		}
		for _, bad := range []string{"<script>alert", "\u202e", "\x1b"} {
			if strings.Contains(body, bad) {
				t.Errorf("%d: has %q", tt.number, bad)
			}
		}
	}
	for at, want := range map[string]int{entryPath + "?stream=none&number=1": 404, entryPath + "?stream=log_jobs&number=0": 400, entryPath + "?stream=log_jobs&number=x": 400,
		entryPath + "?stream=log_jobs&number=1&as=gif": 400, entryPath + ".json?stream=log_jobs&number=1": 404} {
		if status, _ := get(at); status != want {
			t.Errorf("%s: %d, not %d", at, status, want)
		}
	}
}

// What is shown of a message is bounded.
func TestEntryTextIsBounded(t *testing.T) {
	long := []byte(strings.Repeat("ä", 1<<20))
	if text, as, note := entryText(long, ""); len(text) > mostText+3 || as != "text" || !strings.Contains(note, "2,097,152") {
		t.Errorf("%d bytes as %s: %s", len(text), as, note)
	}
	if text, _, note := entryText(long, "hex"); len(text) > 80*mostHex/16 || note == "" {
		t.Errorf("%d bytes: %s", len(text), note)
	}
	if text, as, note := entryText([]byte(`[`+strings.Repeat("1,", mostText)+`1]`), ""); len(text) > mostText || as != "text" && as != "json" || note == "" {
		t.Errorf("%d bytes as %s: %s", len(text), as, note)
	}
}

// Indents do not make a page of any length out of a short message.
func TestIndentedIsBounded(t *testing.T) {
	nested := func(n int, inner string) []byte {
		return []byte(strings.Repeat("[", n) + inner + strings.Repeat("]", n))
	}
	for _, tt := range []struct {
		payload []byte
		as      string
	}{
		{nested(mostDeep, "1"), "json"}, {nested(mostDeep+1, "1"), "text"}, {nested(5000, ""), "text"}, {nested(mostDeep, strings.Repeat("1,", 20_000)+"1"), "text"},
		{[]byte(`{"a":"` + strings.Repeat("[{", 100) + `\"[","b":[{"c":"]]"}]}`), "json"}, {[]byte(strings.Repeat("[]", 100)), "text"},
		{[]byte("[" + strings.Repeat("[1],", 1000) + "1]"), "json"},
	} {
		text, as, note := entryText(tt.payload, "")
		if as != tt.as || len(text) > mostIndented || as == "json" && note != "" || as == "text" && tt.payload[0] == '[' && tt.payload[1] != ']' && note == "" {
			t.Errorf("%.20q of %d bytes: %s of %d bytes, %s", tt.payload, len(tt.payload), as, len(text), note)
		}
		if _, forced, _ := entryText(tt.payload, "json"); forced != tt.as {
			t.Errorf("%.20q: as JSON it is %s", tt.payload, forced)
		}
	}
}

// A text of the greatest length can be published, also with bytes that a form has
// three for each; a longer one is refused before the bus sees it.
func TestPublishLength(t *testing.T) {
	bus := &fakeBus{}
	h := newFixture(t, func(o *Options) { o.Messages = bus }).Handler()
	for n, want := range map[int]int{mostPublished: 200, mostPublished + 1: 413, 5 * mostPublished: 413} {
		bus.published = ""
		form := "subject=orders.new&text=" + strings.Repeat("%3C", n)
		if w := send(h, "POST", "/messages/publish", form, ownersFields...); w.Code != want || len(bus.published) != map[int]int{200: n}[want] {
			t.Errorf("%d bytes: %d, %d published", n, w.Code, len(bus.published))
		}
	}
}

func TestPublish(t *testing.T) {
	bus := &fakeBus{}
	h := newFixture(t, func(o *Options) { o.Messages = bus }).Handler()
	form := "subject=orders.new&text=one%0D%0Atwo"
	if w := send(h, "POST", "/messages/publish", form); w.Code != 401 || bus.published != "" {
		t.Errorf("without the token: %d", w.Code)
	}
	if w := send(h, "POST", "/messages/publish", form, append(ownersFields, "Sec-Fetch-Site", "cross-site")...); w.Code != 403 || bus.published != "" {
		t.Errorf("of another site: %d", w.Code)
	}
	if w := send(h, "POST", "/messages/publish", form, ownersFields...); w.Code != 200 || bus.published != "one\ntwo" || !strings.Contains(w.Body.String(), "It is message 7 of orders.") {
		t.Errorf("%d %q\n%s", w.Code, bus.published, w.Body)
	}
	for form, want := range map[string]int{"subject=freshet.log.jobs&text=x": 409, "text=x": 400} {
		if w := send(h, "POST", "/messages/publish", form, ownersFields...); w.Code != want {
			t.Errorf("%s: %d", form, w.Code)
		}
	}
	if w := send(h, "GET", "/messages/publish", "", ownersFields...); w.Code != 200 || !strings.Contains(w.Body.String(), "orders.&gt;") {
		t.Errorf("%d %s", w.Code, w.Body)
	}
}

// A server without a bus says why, in a sentence.
func TestNoMessages(t *testing.T) {
	alone := newFixture(t, nil).Handler()
	f, _ := withQueue(t, t.TempDir())
	for _, tt := range []struct{ body, want string }{
		{send(alone, "GET", "/messages", "", "Accept", "text/html").Body.String(), "has no job queue"},
		{send(f.Handler(), "GET", "/messages", "", "Accept", "text/html").Body.String(), "without NATS"},
	} {
		if !strings.Contains(tt.body, tt.want) {
			t.Errorf("without %q:\n%s", tt.want, tt.body)
		}
	}
	for at, want := range map[string]int{entryAddress("a", 1, ""): 404, "/messages/publish": 404, "/messages.json": 200} {
		if w := send(alone, "GET", at, "", ownersFields...); w.Code != want {
			t.Errorf("%s: %d", at, w.Code)
		}
	}
}
