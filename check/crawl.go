package check

import (
	"context"
	"fmt"
	"net/url"
	"sync"
	"time"
)

// Crawling says how many addresses are checked, and how fast. The zero value
// is one after the other, 500 at most.
type Crawling struct {
	// MaxPages bounds the addresses. 0 means 500. The rest is left out.
	MaxPages int

	// Concurrency is how many addresses are checked at the same time. 0 means 1.
	Concurrency int

	// Delay is the least time between the beginnings of two checks.
	Delay time.Duration

	// From is what names the addresses, such as a sitemap; "" when a person did.
	// What is named and does not exist, or fails, is noted.
	From string

	// Progress, when not nil, is told before each check how many are done, and
	// how many are known of so far. Calls do not overlap.
	Progress func(done, known int, u *url.URL)
}

func (o *Crawling) maxPages() int {
	if o.MaxPages > 0 {
		return o.MaxPages
	}
	return 500
}

// URLs checks addresses, equal ones once, in the order in which they are given.
func (c *Checker) URLs(ctx context.Context, pages []*url.URL, o Crawling) []*Result {
	w := &crawler{c: c, o: o, allowed: c.anywhere, seen: map[string]bool{}}
	w.put(pages, o.From)
	return w.run(ctx)
}

// A Crawl is what crawling a site came to.
type Crawl struct {
	Results    []*Result
	Disallowed int // addresses that robots.txt forbids
}

// Crawl checks a page, the pages of the same scheme, host and port that it
// links to, and so on, and what they load from there. A redirect of the first
// page says where the site is; others are not followed out of it. It obeys
// robots.txt (RFC 9309), but for the first page, which it was told to ask for.
// Its error is that there is no answer to the question for robots.txt.
func (c *Checker) Crawl(ctx context.Context, start *url.URL, o Crawling) (*Crawl, error) {
	crawl := &Crawl{Results: c.URL(ctx, start)}
	last := crawl.Results[len(crawl.Results)-1]
	site, err := url.Parse(last.URL)
	if err != nil || last.Err != nil {
		return crawl, err
	}
	rules, err := c.robots(ctx, site)
	if err != nil {
		return crawl, err
	}
	var mu sync.Mutex
	forbidden := map[string]bool{}
	allowed := func(u *url.URL) bool {
		if originOf(u) != originOf(site) {
			return false
		}
		if !rules.allows(u) {
			mu.Lock()
			defer mu.Unlock()
			forbidden[u.String()] = true
			return false
		}
		return true
	}
	w := &crawler{c: c, o: o, allowed: allowed, follow: true, seen: map[string]bool{}}
	w.o.MaxPages = o.maxPages() - len(crawl.Results)
	for _, r := range crawl.Results {
		w.seen[r.URL] = true
	}
	if w.o.MaxPages > 0 {
		w.put(linksOf(last), last.name())
		crawl.Results = append(crawl.Results, w.run(ctx)...)
	}
	crawl.Disallowed = len(forbidden)
	return crawl, nil
}

// linked notes that what an address comes to in the end is an error.
func (r *Result) linked(from string, end *Result) {
	if x := end.Exchange; x != nil && (x.Status == 404 || x.Status == 410 || x.Status >= 500) {
		r.addNote("link-broken", "the link", fmt.Sprintf("%d, and the link is in %s", x.Status, from))
	}
}

// linksOf returns the links of an answer that is a page.
func linksOf(r *Result) []*url.URL {
	x := r.Exchange
	if x == nil || x.Status != 200 {
		return nil
	}
	answer := &reply{Exchange: *x, whole: x.BodySize >= 0}
	if media := answer.mediaType(); media != "text/html" && media != "application/xhtml+xml" {
		return nil
	}
	page, ok := answer.decoded()
	if !ok && answer.get("Content-Encoding") == "" {
		page = x.Body // as far as it was kept
	}
	base, err := url.Parse(x.URL)
	if err != nil {
		return nil
	}
	return Links(page, base)
}

// A crawler is a queue of addresses and those who work on it.
type crawler struct {
	c       *Checker
	o       Crawling
	allowed func(*url.URL) bool
	follow  bool // the links of pages

	mu      sync.Mutex // guards what follows
	more    sync.Cond
	seen    map[string]bool
	queue   []*url.URL  // all addresses, in the order in which they were met
	next    int         // the first that nobody has taken
	done    int         // how many are finished
	from    []string    // what names each, "" for nothing
	results [][]*Result // by index in queue
	begin   time.Time   // when the next check may begin
}

// run checks what is in the queue and what joins it, and returns the results in
// the order in which the addresses were met.
func (w *crawler) run(ctx context.Context) []*Result {
	w.more.L = &w.mu
	stop := context.AfterFunc(ctx, func() {
		w.mu.Lock()
		defer w.mu.Unlock()
		w.more.Broadcast()
	})
	defer stop()
	var workers sync.WaitGroup
	for range max(w.o.Concurrency, 1) {
		workers.Go(func() { w.work(ctx) })
	}
	workers.Wait()
	var all []*Result
	for _, results := range w.results {
		all = append(all, results...)
	}
	return all
}

// put adds addresses that are allowed and not known.
func (w *crawler) put(pages []*url.URL, from string) {
	for _, u := range pages {
		u = normalised(u)
		if key := u.String(); !w.seen[key] && len(w.queue) < w.o.maxPages() && w.allowed(u) {
			w.seen[key] = true
			w.queue = append(w.queue, u)
			w.results = append(w.results, nil)
			w.from = append(w.from, from)
		}
	}
}

func (w *crawler) work(ctx context.Context) {
	for {
		i, u := w.take(ctx)
		if u == nil {
			return
		}
		results := w.c.check(ctx, u, w.allowed)
		if last := len(results) - 1; ctx.Err() != nil && results[last].Err != nil {
			results = results[:last] // it was cut off, and says nothing
		}
		w.finish(i, results)
	}
}

// take returns the next address, nil when there is none any more.
func (w *crawler) take(ctx context.Context) (int, *url.URL) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for w.next == len(w.queue) && w.done < w.next && ctx.Err() == nil {
		w.more.Wait()
	}
	if w.next == len(w.queue) || ctx.Err() != nil {
		return 0, nil
	}
	i, u := w.next, w.queue[w.next]
	w.next++
	if w.o.Delay > 0 {
		now := time.Now()
		wait := w.begin.Sub(now)
		w.begin = now.Add(max(wait, 0) + w.o.Delay)
		if wait > 0 {
			w.mu.Unlock()
			pause(ctx, wait)
			w.mu.Lock()
		}
	}
	if w.o.Progress != nil {
		w.o.Progress(w.done, len(w.queue), u)
	}
	return i, u
}

func pause(ctx context.Context, d time.Duration) {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
	case <-ctx.Done():
	}
}

// finish notes results, without bodies: those of a whole site would fill the
// memory. An address that another one redirected to is not
// checked again, nor told twice.
func (w *crawler) finish(i int, results []*Result) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.done++
	for k, r := range results {
		if k > 0 && w.seen[r.URL] {
			results = results[:k]
			break
		}
		w.seen[r.URL] = true
	}
	w.results[i] = results
	if from := w.from[i]; from != "" && len(results) > 0 {
		results[0].linked(from, results[len(results)-1])
	}
	for _, r := range results {
		if w.follow {
			w.put(linksOf(r), r.name())
		}
		if r.Exchange != nil {
			r.Exchange.Body = nil
		}
	}
	w.more.Broadcast()
}
