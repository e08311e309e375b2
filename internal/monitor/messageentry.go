package monitor

import (
	"bytes"
	"context"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"freshet/internal/monitor/ui"
)

// entryPath is where a message is shown. Messages hold what jobs were given, also
// secrets of their environments.
const entryPath = "/messages/entry"

// How much of a message is shown, by how.
const (
	mostText = 64 << 10
	mostHex  = 4 << 10
)

// forms are how a message is shown, by what as= says.
var forms = []struct{ name, title string }{{"text", "Text"}, {"json", "JSON"}, {"hex", "Hex"}}

// entryView shows a message.
func entryView(m *Monitor, q *query) (*ui.View, error) {
	bus, err := m.messages()
	if err != nil {
		return nil, err
	}
	name := q.values.Get("stream")
	number, err := strconv.ParseUint(q.get("number"), 10, 64)
	if err != nil || number == 0 {
		return nil, &badQuery{"number is that of a message, from 1 on"}
	}
	as := q.get("as")
	if as != "" && !slices.ContainsFunc(forms, func(f struct{ name, title string }) bool { return f.name == as }) {
		return nil, &badQuery{"as=" + as + ": give text, json or hex"}
	}
	s, err := m.streams()
	if err != nil {
		return nil, err
	}
	i := slices.IndexFunc(s.List, func(s Stream) bool { return s.Name == name })
	if i < 0 {
		return nil, &missing{"There is no such stream."}
	}
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	e, after, err := bus.Peek(ctx, name, number)
	v := &ui.View{Title: fmt.Sprintf("Message %s of %s", grouped(int64(number)), ui.Visible(name)), Path: entryPath, Up: toMessages}
	around := aroundEntry(&s.List[i], number, after, as)
	if errors.Is(err, ErrNoMessage) {
		v.Sections = []ui.Section{&ui.Notice{Level: ui.Info, Title: "There is none", Text: "No message has this number, or not any more: it was trimmed, or another has taken its place.", Links: around}}
		return v, nil
	}
	if err != nil {
		return nil, err
	}
	text, shown, note := entryText(e.Payload, as)
	pre := &ui.Pre{Label: "What it says", Text: text}
	pre.Note = note
	how := &ui.Text{}
	for _, f := range forms {
		how.Links = append(how.Links, ui.Link{Text: f.title, Href: entryAddress(name, number, f.name), Current: f.name == shown})
	}
	v.Sections = []ui.Section{&ui.Text{Links: around}, entryFacts(e), how}
	if len(e.Payload) == 0 {
		v.Sections[2] = &ui.Notice{Level: ui.Info, Title: "Nothing", Text: "It is empty."}
	} else {
		v.Sections = append(v.Sections, pre)
	}
	return v, nil
}

// aroundEntry leads to the messages around one. Numbers may be missing: the next
// one is known, one before only by its number.
func aroundEntry(s *Stream, number, after uint64, as string) (links []ui.Link) {
	to := func(text string, number uint64) {
		links = append(links, ui.Link{Text: text, Href: entryAddress(s.Name, number, as)})
	}
	if s.First < number && s.Entries > 0 {
		to("First", s.First)
		to("← Previous", min(number-1, s.Last))
	}
	if after > 0 {
		to("Next →", after)
	}
	if number < s.Last && s.Entries > 0 {
		to("Last", s.Last)
	}
	return links
}

func entryFacts(e *Message) *ui.List {
	l := &ui.List{Items: []ui.Item{
		{Term: "Subject", Text: ui.Visible(e.Subject), Mono: true},
		{Term: "Stored", Text: instant.format(instantOf(e.Time)) + " UTC"},
		{Term: "Size", Text: ui.Bytes.Format(float64(len(e.Payload)))},
	}}
	names := make([]string, 0, len(e.Header))
	for name := range e.Header {
		names = append(names, name)
	}
	slices.Sort(names)
	for _, name := range names {
		l.Items = append(l.Items, ui.Item{Term: ui.Visible(name), Text: ui.Visible(strings.Join(e.Header[name], ", ")), Mono: true})
	}
	return l
}

// entryText is what a message says, as it was asked for or as it is best read, and
// a note when that is not all.
func entryText(payload []byte, as string) (text, shown, note string) {
	if as == "" {
		switch {
		case json.Valid(payload):
			as = "json"
		case isText(payload):
			as = "text"
		default:
			as = "hex"
		}
	}
	if as == "json" {
		if text, note = indented(payload); note == "" {
			return text, as, ""
		}
		as = "text"
	}
	if as == "text" {
		text = strings.ToValidUTF8(string(payload[:min(len(payload), mostText)]), "\uFFFD")
		return text, as, joined(note, beginning(len(payload), mostText))
	}
	return hex.Dump(payload[:min(len(payload), mostHex)]), as, beginning(len(payload), mostHex)
}

// mostDeep is how deep JSON may be nested that is shown with indents: they grow
// with it, so that a short message could make a page of any length.
const mostDeep = 50

// mostIndented is how much such a text may have.
const mostIndented = 4 * mostText

// indented is JSON with an indent for each level, or a note why it is not.
func indented(payload []byte) (text, note string) {
	var b bytes.Buffer
	switch {
	case len(payload) > mostText:
		return "", "It is too long to be shown as JSON."
	case deeper(payload, mostDeep):
		return "", fmt.Sprintf("It is nested more than %d deep, and shown as text.", mostDeep)
	case json.Indent(&b, payload, "", "  ") != nil:
		return "", "It is no JSON, and shown as text."
	}
	if b.Len() > mostIndented {
		return "", "With its indents it would be too long to be shown as JSON."
	}
	return b.String(), ""
}

// deeper reports whether brackets of a text in JSON are nested deeper than most.
func deeper(text []byte, most int) bool {
	depth, quoted := 0, false
	for i := 0; i < len(text); i++ {
		switch c := text[i]; {
		case quoted && c == '\\':
			i++
		case c == '"':
			quoted = !quoted
		case quoted:
		case c == '[', c == '{':
			if depth++; depth > most {
				return true
			}
		case c == ']', c == '}':
			depth--
		}
	}
	return false
}

// joined are sentences, of which some may be "".
func joined(texts ...string) string {
	return strings.TrimSpace(strings.Join(texts, " "))
}

// beginning says that only the beginning is shown, if that is so.
func beginning(size, most int) string {
	if size <= most {
		return ""
	}
	return "The first " + grouped(int64(most)) + " bytes of " + grouped(int64(size)) + "."
}

// isText reports whether people can read it.
func isText(b []byte) bool {
	return utf8.Valid(b) && !bytes.ContainsFunc(b, func(r rune) bool { return unicode.IsControl(r) && r != '\n' && r != '\t' && r != '\r' })
}

// publishView asks for a message to be published.
func publishView(m *Monitor, q *query) (*ui.View, error) {
	if _, err := m.messages(); err != nil {
		return nil, err
	}
	s, err := m.streams()
	if err != nil {
		return nil, err
	}
	subjects := byHand(s)
	if len(subjects) == 0 {
		return nil, &missing{"All streams here are logs with one writer, freshet itself: nothing can be published by hand."}
	}
	f := &ui.Form{Action: "/messages/publish", Post: true, Submit: "Publish", Cancel: ui.Link{Text: "Back", Href: "/messages"}, Fields: []ui.Field{
		{Name: "subject", Label: "Subject", Wide: true, Required: true, Value: q.get("subject"), Hint: "One that a stream takes: " + ui.Visible(strings.Join(subjects, ", "))},
		{Name: "text", Label: "Text", Kind: ui.AreaField, Wide: true},
	}}
	f.Note = "The message is stored for good, and whoever reads the stream gets it. It has 64 KiB at most."
	return &ui.View{Title: "Publish", Path: "/messages/publish", Up: toMessages, Sections: []ui.Section{f}}, nil
}

// mostPublished is how many bytes a message has that is published by hand. In a
// form each may be three.
const mostPublished = 64 << 10

// publishAct publishes it. Line ends are those that the text had before a browser
// made CRLF of them.
func publishAct(m *Monitor, w http.ResponseWriter, r *http.Request) {
	bus, err := m.messages()
	if err != nil {
		failAs(w, r, err)
		return
	}
	subject := strings.TrimSpace(r.PostForm.Get("subject"))
	if subject == "" {
		fail(w, r, http.StatusBadRequest, "Say to which subject.")
		return
	}
	text := strings.ReplaceAll(r.PostForm.Get("text"), "\r\n", "\n")
	if len(text) > mostPublished {
		fail(w, r, http.StatusRequestEntityTooLarge, fmt.Sprintf("The text has %s bytes; at most %s are published by hand.", grouped(int64(len(text))), grouped(mostPublished)))
		return
	}
	ctx, cancel := context.WithTimeout(r.Context(), patience)
	defer cancel()
	stream, number, err := bus.Publish(ctx, subject, []byte(text))
	if err != nil {
		fail(w, r, http.StatusConflict, "It cannot be published: "+err.Error()+".")
		return
	}
	m.sendDone(w, r, "Published", fmt.Sprintf("It is message %s of %s.", grouped(int64(number)), ui.Visible(stream)), toMessages,
		ui.Link{Text: "Look at it", Href: entryAddress(stream, number, "")})
}
