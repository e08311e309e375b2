package fleet

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"freshet/check"
	"freshet/internal/worker"
	"freshet/jobs"
)

// Bounds of a task that checks: addresses at once, and addresses.
const (
	maxChecking = 16
	maxChecked  = 50_000
	checkedAt   = 4 // at once, unless the job says how many
)

// checkURLs is a kind of task that does what freshet check does. Its parameters:
//
//   - urls: addresses, white space between them,
//   - sitemap: those of sitemaps, likewise; all pages that they name,
//   - fail-on: info, warn, bad or never: what a finding must be at least, that
//     the task fails; bad unless said,
//   - passive: yes: one request for an address,
//   - concurrency: how many addresses at a time,
//   - max-pages: how many at most, 500 unless said; the rest is left out, and the
//     output says so.
//
// The report is the output. A task that is run again asks again; it changes
// nothing.
func checkURLs(ctx context.Context, t *jobs.Task, r worker.Reporter) jobs.Result {
	c := &checking{report: r, work: check.Crawling{MaxPages: 500, Concurrency: checkedAt}, said: check.Report{Title: "what the job names"}}
	if err := c.read(t.Spec.Params); err != nil {
		return jobs.Result{Exit: 2, Reason: err.Error()}
	}
	checker := check.New(c.options)
	defer checker.Close()
	if err := c.list(ctx, checker); err != nil {
		return jobs.Result{Exit: 1, Reason: err.Error()}
	}
	c.work.Progress = func(done, known int, u *url.URL) {
		r.Progress(float64(done)/float64(max(known, 1)), u.String())
	}
	c.said.Results = checker.URLs(ctx, c.pages, c.work)
	return c.result(ctx)
}

// checking is one task of the kind.
type checking struct {
	report   worker.Reporter
	options  check.Options
	work     check.Crawling
	pages    []*url.URL
	sitemaps []*url.URL
	said     check.Report
}

// read takes the parameters of a job; its error names all that is wrong.
func (c *checking) read(params map[string]string) error {
	var faults []error
	number := func(name, text string, most int) int {
		n, err := strconv.Atoi(text)
		if err != nil || n < 1 || n > most {
			faults = append(faults, fmt.Errorf("parameter %s: %q is no number from 1 to %d", name, text, most))
		}
		return n
	}
	for name, value := range params {
		switch name {
		case "urls":
			c.pages = addresses(value, &faults)
		case "sitemap":
			c.sitemaps = addresses(value, &faults)
		case "fail-on":
			if _, ok := check.ParseSeverity(value); !ok && value != "never" {
				faults = append(faults, fmt.Errorf("parameter fail-on: %q is none of info, warn, bad, never", value))
			}
			c.said.FailOn = value
		case "passive":
			c.options.PassiveOnly = value != "no"
			if value != "yes" && value != "no" {
				faults = append(faults, fmt.Errorf("parameter passive: %q is neither yes nor no", value))
			}
		case "concurrency":
			c.work.Concurrency = number(name, value, maxChecking)
		case "max-pages":
			c.work.MaxPages = number(name, value, maxChecked)
		default:
			faults = append(faults, fmt.Errorf("there is no parameter %q: there are urls, sitemap, fail-on, passive, concurrency, max-pages", name))
		}
	}
	if len(c.pages)+len(c.sitemaps) == 0 && len(faults) == 0 {
		faults = append(faults, errors.New("there is nothing to check: name addresses, or the parameter sitemap"))
	}
	slices.SortFunc(faults, func(a, b error) int { return strings.Compare(a.Error(), b.Error()) })
	return errors.Join(faults...)
}

// addresses reads a list of them.
func addresses(text string, faults *[]error) (all []*url.URL) {
	for word := range strings.FieldsSeq(text) {
		u, err := check.ParseURL(word)
		if err != nil {
			*faults = append(*faults, err)
			continue
		}
		all = append(all, u)
	}
	return all
}

// list adds the pages of the sitemaps.
func (c *checking) list(ctx context.Context, checker *check.Checker) error {
	for _, u := range c.sitemaps {
		pages, err := checker.Sitemap(ctx, u)
		if err != nil {
			return fmt.Errorf("sitemap %s: %w", u, err)
		}
		c.pages = append(c.pages, pages...)
	}
	if more := len(c.pages) - c.work.MaxPages; more > 0 {
		c.report.Print("left out: %d of %d addresses; the parameter max-pages says how many are checked", more, len(c.pages))
	}
	if len(c.pages) == 0 {
		return errors.New("the sitemap names nothing to check")
	}
	return nil
}

// result prints the report; ctx may have ended before all was checked.
func (c *checking) result(ctx context.Context) jobs.Result {
	if len(c.pages) == 1 {
		c.said.Title = c.pages[0].String()
	}
	if len(c.said.Results) > 0 {
		var text bytes.Buffer
		c.said.Write(&text, "text") // a buffer takes all
		for line := range strings.Lines(text.String()) {
			c.report.Print("%s", strings.TrimSuffix(line, "\n"))
		}
	}
	if err := context.Cause(ctx); err != nil {
		return jobs.Result{Exit: 1, Reason: err.Error()}
	}
	if !c.said.Fails() {
		return jobs.Result{}
	}
	reason := "it has findings; see the output"
	if n := len(c.said.Failed()); n > 0 {
		reason = fmt.Sprintf("%d of %d addresses did not answer; see the output", n, len(c.said.Results))
	}
	return jobs.Result{Exit: 1, Reason: reason}
}
