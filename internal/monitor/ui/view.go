package ui

import "time"

// View is one page. It is only read by [Page].
type View struct {
	// Title is the heading of the page and, with Host, of the browser's tab.
	Title string

	// Intro is a sentence below the heading; "" for none.
	Intro string

	// Path is the page's address without its query: "/requests". It marks the
	// page in the navigation; a page below another ("/requests/17") marks that.
	Path string

	// Nav is the navigation. nil stands for [DefaultNav].
	Nav []Link

	// Up leads to the page that this one is a detail of; zero for none.
	Up Link

	// Host names the server that is watched.
	Host string

	// Version and Uptime stand at the foot of the page: what the program calls
	// itself ("freshet 1.2", "" stands for "freshet"), and for how long it has
	// run ("" for nothing).
	Version string
	Uptime  string

	// Live is the address of the page's event stream with the query that holds
	// for the page ("/events?status=404"). "" for a page that does not change.
	// A page that connects again, as after its tab was in the background, adds
	// last=ID to the query, the id of the last event that it has seen.
	Live string

	// Refresh is after how long a browser without scripts loads the page
	// again, in whole seconds. 0 never does.
	Refresh time.Duration

	// Still is the address of the page as one that does not load again, for who
	// reads slowly or fills in a form without scripts; "" for none.
	Still string

	// Sections are shown one below the other.
	Sections []Section
}

// Section is a part of a page: [*Text], [*Notice], [*Stats], [*Table],
// [*Form], [*Chart], [*Strip], [*List], [*Pre], [*Gallery] or [*Columns].
type Section interface {
	// part names the template that draws the section.
	part() string
}

// Head is what sections have in common. A zero Head is valid.
type Head struct {
	// ID is the section's anchor, of letters, digits and hyphens, and once in
	// a page. A table that grows and a chart must have one: it is what events
	// call them.
	ID string

	// Title is the section's heading; "" for none.
	Title string

	// Note is a sentence below the heading; "" for none.
	Note string
}

// Link is a link. The zero value shows nothing.
type Link struct {
	Text string
	Href string

	// Current marks the one of several links that leads to what is shown.
	Current bool
}

// Level says what a thing means, as a colour; it is never the only way to
// tell, because a verdict is always there in words, too.
type Level string

const (
	Plain Level = ""     // nothing in particular
	Good  Level = "good" // as it should be; a hit
	Info  Level = "info" // worth knowing; a miss, a validation
	Warn  Level = "warn" // look at it; stale, near a limit
	Bad   Level = "bad"  // an error; refused, failed, down
	Dim   Level = "dim"  // of little interest
)

// DefaultNav lists the pages that the monitor has.
func DefaultNav() []Link {
	return []Link{
		{Text: "Overview", Href: "/"},
		{Text: "Requests", Href: "/requests"},
		{Text: "Cache", Href: "/cache"},
		{Text: "Origins & sites", Href: "/origins"},
		{Text: "Alerts", Href: "/alerts"},
		{Text: "Configuration", Href: "/config"},
		{Text: "Check", Href: "/check"},
		{Text: "Jobs", Href: "/jobs"},
		{Text: "Servers", Href: "/servers"},
		{Text: "Messages", Href: "/messages"},
	}
}
