package app

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"freshet/cache"
	"freshet/fleet"
	"freshet/httpd"
	"freshet/internal/config"
	"freshet/internal/control"
	"freshet/internal/field"
	"freshet/internal/rule"
)

// purgeFunc says what is kept for a URL in a cache.
type purgeFunc func(url string) ([]cache.Selector, error)

// purger forgets what is in a store. It is what a fleet knows of a server's cache:
// see purgefleet.go.
type purger struct {
	store *cache.Store
	// find returns who knows what is kept for a URL.
	find func(u *url.URL) (purgeFunc, error)
}

// onePurger is the purger of a single cache.
func onePurger(one purgeFunc, store *cache.Store) *purger {
	return &purger{store, func(*url.URL) (purgeFunc, error) { return one, nil }}
}

// parseURL parses an absolute URL; one without a path has the path "/".
func parseURL(text string) (*url.URL, error) {
	u, err := url.Parse(text)
	if err != nil {
		return nil, err
	}
	if u.Path == "" {
		u.Path = "/"
	}
	return u, nil
}

// purgeOf returns who knows what is kept for a URL: the cache of the route that
// it has.
func (l *live) purgeOf(u *url.URL) (purgeFunc, error) {
	found := l.sites().find(u.Host)
	if found == nil {
		return nil, fmt.Errorf("%s: no site has that host", u)
	}
	t := found.find(u.EscapedPath())
	if t == nil || t.backend.purge == nil {
		return nil, fmt.Errorf("%s: no route with a cache has that path", u)
	}
	return t.backend.purge, nil
}

// Purge implements control.Purger.
func (p *purger) Purge(q *control.Request) (*control.Answer, error) {
	a := &control.Answer{}
	switch {
	case q.Receipts:
		for _, r := range p.store.Receipts() {
			a.Receipts = append(a.Receipts, *receiptOf(r))
		}
		return a, nil
	case q.Receipt != "":
		r, err := p.store.Receipt(q.Receipt)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", q.Receipt, err)
		}
		a.Receipt = receiptOf(r)
		return a, nil
	case q.Undo != "":
		r, err := p.store.UndoPurge(q.Undo)
		if r.ID == "" {
			return nil, fmt.Errorf("%s: %w", q.Undo, err)
		}
		a.Receipt = receiptOf(r)
		if err != nil {
			a.Faults = append(a.Faults, err.Error())
		}
		return a, nil
	}
	return a, p.purge(q, a)
}

// purge does a purge. What is wrong with one of the URLs is told; the others go.
func (p *purger) purge(q *control.Request, a *control.Answer) error {
	ask := cache.Purge{ID: q.ID, Soft: q.Soft, DryRun: q.DryRun}
	asked := make([]int, 0, len(q.URLs)) // by selector, which URL
	for i, text := range q.URLs {
		what, err := p.selectURL(text)
		if err != nil {
			a.Faults = append(a.Faults, err.Error())
		}
		for _, s := range what {
			ask.What, asked = append(ask.What, s), append(asked, i)
		}
	}
	others, err := fleet.Selectors(q)
	if err != nil {
		return err
	}
	if ask.What = append(ask.What, others...); len(ask.What) == 0 {
		a.Purged = make([]int, len(q.URLs))
		return nil
	}
	r, err := p.store.PurgeBy(ask)
	if len(r.What) == 0 {
		return err
	}
	if err != nil {
		a.Faults = append(a.Faults, err.Error())
	}
	if a.Receipt = receiptOf(r); len(q.URLs) > 0 && !q.DryRun {
		a.Purged = make([]int, len(q.URLs))
		for i, n := range r.Each[:min(len(asked), len(r.Each))] {
			a.Purged[asked[i]] = max(a.Purged[asked[i]], int(n))
		}
	}
	return nil
}

// selectURL returns what is kept for a URL.
func (p *purger) selectURL(text string) ([]cache.Selector, error) {
	u, err := parseURL(text)
	if err != nil {
		return nil, err
	}
	of, err := p.find(u)
	if err != nil {
		return nil, err
	}
	return of(u.String())
}

// receiptOf is a receipt as commands get it.
func receiptOf(r cache.Receipt) *control.Receipt {
	return &control.Receipt{
		ID: r.ID, What: r.What, More: r.More, Soft: r.Soft, Time: r.Time, Objects: r.Objects, Bytes: r.Bytes, Counting: r.Counting,
		Done: r.Done, Undone: r.Undone, Undoable: r.Undoable,
	}
}

// purgeable takes the PURGE requests of those who have the server's token, and
// gives all others to the cache.
func purgeable(h *cache.Handler, store *cache.Store, d *door) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method != "PURGE" {
			h.ServeHTTP(w, r)
			return
		}
		if !d.authorized(r) {
			w.Header().Set("WWW-Authenticate", `Bearer realm="freshet"`)
			refuse(w, r, rule.PurgeUnauthorized)
			return
		}
		scheme := "http://"
		if r.TLS != nil {
			scheme = "https://"
		}
		address := scheme + r.Host + r.URL.RequestURI()
		var text string
		var err error
		if p := d.purges.Load(); p.fleets() {
			text, err = purgeOverFleet(p, address, tagsAsked(r.Header), r.Header.Get("Soft-Purge") == "1")
		} else {
			text, err = purgeRequested(h, store, address, r.Header)
		}
		if refused := (interface{ Status() int })(nil); errors.As(err, &refused) {
			httpd.Error(w, r, refused.Status(), err.Error())
			return
		}
		if err != nil {
			httpd.Error(w, r, http.StatusInternalServerError, "")
			return
		}
		httpd.SetRule(w, rule.PurgeDone)
		w.Header().Set("Content-Type", "text/plain; charset=utf-8")
		w.Header().Set("Cache-Control", "no-store")
		fmt.Fprintf(w, "%s\n", text)
	})
}

// purgeRequested does what a PURGE request asks for: what is kept for its URL
// is purged, or with Surrogate-Key or Cache-Tag what has one of the tags.
func purgeRequested(h *cache.Handler, store *cache.Store, url string, fields http.Header) (text string, err error) {
	soft := fields.Get("Soft-Purge") == "1"
	tags := tagsAsked(fields)
	if len(tags) == 0 {
		n, err := h.Purge(url, soft)
		return answers(n), err
	}
	all, err := fleet.Selectors(&control.Request{Tags: tags})
	if err != nil {
		return "", err
	}
	r, err := store.PurgeBy(cache.Purge{What: all, Soft: soft})
	if r.Counting {
		return "counting; receipt " + r.ID, err
	}
	return answers(int(r.Objects)), err
}

// tagsAsked are the tags that a PURGE request names.
func tagsAsked(fields http.Header) (tags []string) {
	for _, line := range fields["Surrogate-Key"] {
		tags = append(tags, strings.Fields(line)...)
	}
	for _, line := range fields["Cache-Tag"] {
		for tag := range strings.SplitSeq(line, ",") {
			if tag = strings.TrimSpace(tag); tag != "" {
				tags = append(tags, tag)
			}
		}
	}
	return tags
}

func answers(n int) string {
	if n == 1 {
		return "1 answer"
	}
	return fmt.Sprintf("%d answers", n)
}

// purge makes a running server forget answers.
func (e *Env) purge(args []string) int {
	c, err := config.ParsePurge(args, e.Environ)
	if err != nil {
		return e.misused("purge", err)
	}
	return e.result(purge(e, c))
}

func purge(e *Env, c *config.Purge) error {
	client, err := reach(e, &c.Reach, append(slices.Clone(c.URLs), c.Prefixes...)...)
	if err != nil {
		return err
	}
	q := control.Request{
		URLs: c.URLs, Tags: c.Tags, Prefixes: c.Prefixes, Hosts: c.Hosts, Where: c.Where, All: c.All || c.Everything,
		Soft: c.Soft, DryRun: c.DryRun, ID: c.ID, Undo: c.Undo, Receipt: c.Receipt, Receipts: c.Receipts, Here: c.Here,
	}
	a, err := client.Purge(context.Background(), q)
	if err != nil {
		return err
	}
	if c.JSON {
		err = printJSON(e.Stdout, a)
	} else {
		tellPurged(e.Stdout, &q, a)
	}
	for _, f := range a.Faults {
		e.tell("freshet: %s", f)
	}
	switch {
	case err != nil:
		return err
	case len(a.Faults) > 0 && q.Purges():
		return fmt.Errorf("purged not all: %d of %d failed", len(a.Faults), max(len(c.URLs), 1))
	case len(a.Faults) > 0:
		return errors.New("not undone")
	}
	return nil
}

// printJSON writes a value, with indents, and nothing that terminals obey.
func printJSON(w io.Writer, v any) error {
	text, err := json.MarshalIndent(v, "", "  ")
	if err != nil {
		return err
	}
	_, err = w.Write(append(field.EscapeJSON(text), '\n'))
	return err
}

// visible is a text without what terminals obey.
func visible(s string) string {
	return strings.Map(func(r rune) rune {
		if field.Obeyed(r) {
			return ' '
		}
		return r
	}, s)
}

// tellPurged says what came of a request in words.
func tellPurged(w io.Writer, q *control.Request, a *control.Answer) {
	if q.Receipts {
		for i := range a.Receipts {
			tellReceipt(w, &a.Receipts[i])
			tellNodes(w, &a.Receipts[i], true)
		}
		if len(a.Receipts) == 0 {
			io.WriteString(w, "nothing was purged yet\n")
		}
		return
	}
	if q.All && !q.DryRun && len(a.Faults) == 0 {
		io.WriteString(w, "all answers\n")
	}
	for i, n := range a.Purged {
		if i < len(q.URLs) {
			fmt.Fprintf(w, "%s: %s\n", q.URLs[i], answers(n))
		}
	}
	if a.Receipt != nil {
		tellReceipt(w, a.Receipt)
		tellNodes(w, a.Receipt, false)
	}
}

// tellReceipt writes a line about a receipt.
func tellReceipt(w io.Writer, r *control.Receipt) {
	what := strings.Join(r.What, ", ")
	if r.More > 0 {
		what += fmt.Sprintf(" and %d more", r.More)
	}
	how, count := "hard", answers(int(r.Objects))
	if r.Soft {
		how = "soft"
	}
	if r.Counting {
		count += " so far, counting"
	}
	if r.Bytes > 0 {
		count += fmt.Sprintf(", %d bytes of bodies", r.Bytes)
	}
	switch {
	case r.ID == "":
		fmt.Fprintf(w, "would purge %s: %s\n", visible(what), count)
		return
	case !r.Undone.IsZero():
		count += ", undone " + r.Undone.Format(time.RFC3339)
	}
	fmt.Fprintf(w, "receipt %s: %s (%s, %s): %s\n", visible(r.ID), visible(what), how, r.Time.Format(time.RFC3339), count)
}
