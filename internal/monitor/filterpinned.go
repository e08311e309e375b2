package monitor

import (
	"net/http"
	"net/netip"
	"net/url"
	"time"

	"freshet/forward"
	"freshet/internal/monitor/ui"
)

// pinnedTable are the hosts whose https is not looked into for clients that
// refused our certificates.
func pinnedTable(m *Monitor, _ *query) (*table, error) {
	var all []forward.Pinned
	empty := "Nobody has refused a certificate of the proxy."
	if m.o.Filter != nil {
		if all = m.o.Filter.Pinned(); !m.o.Filter.Inspects() {
			empty = "https is not looked into; --inspect names hosts for that."
		}
	}
	moment := func(of func(*forward.Pinned) time.Time) func(int) float64 {
		return func(row int) float64 { return float64(of(&all[row]).UnixMilli()) / 1e3 }
	}
	return &table{name: "filter_pinned", caption: "Not looked into", empty: empty, rows: len(all), columns: []column{
		{key: "host", title: "Host", mono: true, wide: true, text: func(row int) string { return ui.Visible(all[row].Host) }},
		{key: "client", title: "For", mono: true, help: "The address of the client that refused the certificate.", text: func(row int) string { return clientText(all[row].Client) }},
		{key: "again", title: "Again", plain: true, act: true, text: func(int) string { return "" }, more: func(row int, c *ui.Cell) {
			c.Text, c.Href = "Look into it again …", unpinAddress(&all[row])
		}},
		{key: "why", title: "Why", wide: true, help: "What the client did within an hour.", text: func(row int) string { return all[row].Why }},
		{key: "since", title: "Since", kind: instant, down: true, num: moment(func(p *forward.Pinned) time.Time { return p.Since })},
		{key: "until", title: "Until", kind: instant, num: moment(func(p *forward.Pinned) time.Time { return p.Until })},
	}}, nil
}

// clientText is the address of a client for people.
func clientText(a netip.Addr) string {
	if !a.IsValid() {
		return "a Unix socket"
	}
	return a.String()
}

// unpinAddress is the page that asks whether a host is to be looked into again.
func unpinAddress(p *forward.Pinned) string {
	v := url.Values{"host": {p.Host}}
	if p.Client.IsValid() {
		v.Set("client", p.Client.String())
	}
	return address("/filter/unpin", v)
}

// readPinned reads which host and client are meant.
func readPinned(v url.Values) (client netip.Addr, host string, ok bool) {
	host = v.Get("host")
	text := v.Get("client")
	if text == "" { // on a Unix socket
		return netip.Addr{}, host, host != ""
	}
	client, err := netip.ParseAddr(text)
	return client, host, err == nil && host != ""
}

// unpinView asks whether a host is to be looked into again.
func unpinView(m *Monitor, q *query) (*ui.View, error) {
	client, host, ok := readPinned(q.values)
	if m.o.Filter == nil || !ok {
		return nil, &missing{"There is no such host."}
	}
	f := &ui.Form{Action: "/filter/unpin", Post: true, Submit: "Look into it again", Cancel: ui.Link{Text: "Back", Href: "/filter"},
		Hidden: []ui.Value{{Name: "host", Value: host}, {Name: "client", Value: q.values.Get("client")}}}
	f.Note = "The proxy will look into the next connection of " + clientText(client) + " to " + ui.Visible(host) + ". A program that refuses its certificate fails, until it has done so often enough to be let alone."
	return &ui.View{Title: "Look into it again", Path: "/filter/unpin", Up: toFilter, Sections: []ui.Section{f}}, nil
}

// unpinAct does it.
func unpinAct(m *Monitor, w http.ResponseWriter, r *http.Request) {
	client, host, ok := readPinned(r.PostForm)
	if m.o.Filter == nil || !ok || !m.o.Filter.Unpin(client, host) {
		fail(w, r, http.StatusNotFound, "That host is looked into, or it is none that --inspect names.")
		return
	}
	m.sendDone(w, r, "Done", "The next connection of "+clientText(client)+" to "+ui.Visible(host)+" is looked into.", toFilter)
}
