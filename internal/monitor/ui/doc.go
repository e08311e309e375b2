// Package ui draws the pages of the monitor: it turns a [View], a plain value,
// into HTML, and serves the style sheet, the scripts and the icon that the
// pages refer to.
//
//	v := &ui.View{Title: "Requests", Path: "/requests", Sections: []ui.Section{
//		&ui.Table{Head: ui.Head{ID: "requests"}, Caption: "Latest requests", …},
//	}}
//	err := ui.Page(w, v)
//
// It counts nothing, keeps nothing and knows no other part of the server:
// numbers come to it as text that is ready to be read. Who may see a page, and
// what stands on it, is decided by package monitor.
//
// What holds:
//
//   - A page is complete without scripts: every view, filter, sort order and
//     action is a link or a form, and a page that shows what changes reloads
//     itself (View.Refresh). Scripts only keep it up to date in place.
//   - Whatever a View holds is shown as text. Nothing in it can become markup,
//     a script, a style or a link to anything but http and https; controls and
//     characters that turn the reading direction are shown as U+FFFD.
//   - Pages need nothing that [Policy] does not allow: no script, style or
//     style attribute of their own, and nothing from another host.
//   - A failure writes nothing: a page is sent whole or not at all.
package ui

// Policy is the Content-Security-Policy under which the pages work, with and
// without scripts. Pages should be sent with it.
const Policy = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; " +
	"connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
