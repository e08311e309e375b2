package app

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"net/url"
	"os"
	"strings"
	"sync"
	"time"

	"freshet/check"
	"freshet/httpd"
	"freshet/internal/config"
)

// check says how browsers and caches treat answers.
func (e *Env) check(args []string) int {
	c, err := config.ParseCheck(args, e.Environ)
	if err != nil {
		return e.misused("check", err)
	}
	ctx, stop := e.untilSignal()
	defer stop()
	k := newChecking(e, c)
	defer k.checker.Close()
	report, err := k.run(ctx)
	if err != nil {
		return e.fault(err)
	}
	if err := k.write(report); err != nil {
		return e.fault(err)
	}
	if ctx.Err() != nil {
		return e.fault(errors.New("stopped by a signal; the report is of what was checked until then"))
	}
	if report.Fails() {
		return exitFault
	}
	return exitOK
}

// untilSignal returns a context that ends with the first signal.
func (e *Env) untilSignal() (context.Context, func()) {
	ctx, cancel := context.WithCancel(context.Background())
	var ended sync.WaitGroup
	ended.Go(func() {
		select {
		case <-e.Signals:
			cancel()
		case <-ctx.Done():
		}
	})
	return ctx, func() {
		cancel()
		ended.Wait()
	}
}

// checking is a run of the command.
type checking struct {
	env     *Env
	conf    *config.Check
	checker *check.Checker
	options check.Options
	work    check.Crawling
	bar     progressBar
}

func newChecking(e *Env, c *config.Check) *checking {
	k := &checking{env: e, conf: c, bar: progressBar{env: e}}
	k.options = check.Options{Header: c.Header, PassiveOnly: c.NoActive, Insecure: c.Insecure, Timeout: c.Timeout}
	k.work = check.Crawling{MaxPages: int(c.MaxPages), Concurrency: int(c.Concurrency), Delay: c.Delay}
	if e.Terminal {
		k.work.Progress = k.bar.show
	}
	k.checker = check.New(k.options)
	if c.Insecure {
		e.tell("freshet: --insecure: certificates are not verified, and the answers may be anybody's")
	}
	return k
}

// run checks what the operands name. Its error is an operand that is nothing
// to check.
func (k *checking) run(ctx context.Context) (*check.Report, error) {
	defer k.bar.clear()
	report := &check.Report{Title: strings.Join(k.conf.Targets, " "), FailOn: k.conf.FailOn}
	for _, target := range k.conf.Targets {
		results, err := k.target(ctx, target, report)
		if err != nil && ctx.Err() == nil {
			return nil, err
		}
		report.Results = append(report.Results, results...)
	}
	return report, nil
}

// target checks what one operand names: an address, unless there is a folder or
// a file of that name.
func (k *checking) target(ctx context.Context, target string, report *check.Report) ([]*check.Result, error) {
	if !strings.Contains(target, "://") {
		switch info, err := os.Stat(target); {
		case err == nil && info.IsDir():
			return k.folder(ctx, target)
		case err == nil:
			return k.sitemapFile(ctx, target)
		case !errors.Is(err, fs.ErrNotExist):
			return nil, fmt.Errorf("check %s: %w", target, cause(err))
		case strings.ContainsAny(target[:1], "./\\~"):
			return nil, fmt.Errorf("no folder or sitemap %q; name one that exists, or an address with http://", target)
		}
	}
	u, err := check.ParseURL(target)
	if err != nil {
		return nil, err
	}
	if len(k.conf.Targets) == 1 {
		report.Title = u.String()
	}
	if k.conf.Crawl {
		return k.crawl(ctx, u)
	}
	if mayBeSitemap(u) {
		pages, err := k.checker.Sitemap(ctx, u)
		switch {
		case err == nil:
			return k.pages(ctx, pages), nil
		case !errors.Is(err, check.ErrNoSitemap):
			return nil, err
		}
	}
	return k.checker.URL(ctx, u), nil
}

// mayBeSitemap reports whether an address looks like that of a sitemap.
func mayBeSitemap(u *url.URL) bool {
	path := strings.ToLower(strings.TrimSuffix(u.Path, ".gz"))
	return strings.HasSuffix(path, ".xml") || strings.HasSuffix(path, ".txt") && strings.Contains(path, "sitemap")
}

func (k *checking) crawl(ctx context.Context, u *url.URL) ([]*check.Result, error) {
	crawl, err := k.checker.Crawl(ctx, u, k.work)
	if err != nil {
		return nil, fmt.Errorf("ask for robots.txt: %w", err)
	}
	k.bar.clear()
	if n := crawl.Disallowed; n > 0 {
		k.env.tell("freshet: robots.txt forbids what %d links lead to; it was left out", n)
	}
	k.tellBound(crawl.Results)
	return crawl.Results, nil
}

// tellBound tells that there may be more than was checked.
func (k *checking) tellBound(results []*check.Result) {
	if int64(len(results)) >= k.conf.MaxPages {
		k.env.tell("freshet: there may be more than %d addresses; raise --max-pages to check them", k.conf.MaxPages)
	}
}

// pages checks the pages of a sitemap.
func (k *checking) pages(ctx context.Context, pages []*url.URL) []*check.Result {
	if more := int64(len(pages)) - k.conf.MaxPages; more > 0 {
		k.env.tell("freshet: %d pages of the sitemap are left out; raise --max-pages to check them", more)
	}
	work := k.work
	work.From = "the sitemap"
	return k.checker.URLs(ctx, pages, work)
}

// maxSitemapFile bounds a sitemap on disk, in bytes.
const maxSitemapFile = 50 << 20

func (k *checking) sitemapFile(ctx context.Context, name string) ([]*check.Result, error) {
	f, err := os.Open(name)
	if err != nil {
		return nil, fmt.Errorf("sitemap %s: %w", name, cause(err))
	}
	defer f.Close()
	data, err := io.ReadAll(io.LimitReader(f, maxSitemapFile+1))
	if err != nil {
		return nil, fmt.Errorf("sitemap %s: %w", name, cause(err))
	}
	pages, err := k.checker.Pages(ctx, data)
	if err != nil {
		return nil, fmt.Errorf("sitemap %s: %w", name, err)
	}
	return k.pages(ctx, pages), nil
}

// folder checks what freshet serve would answer for each file of a folder.
func (k *checking) folder(ctx context.Context, dir string) ([]*check.Result, error) {
	log := slog.New(slog.DiscardHandler)
	pages, err := newPages("")
	if err != nil {
		return nil, err
	}
	h, err := newFolder(dir, &k.conf.Files, nil, &within{pages: pages, log: log})
	if err != nil {
		return nil, err
	}
	defer h.Close()
	server := &httpd.Server{Handler: h, Hot: h, Pages: pages, ErrorLog: slog.NewLogLogger(log.Handler(), slog.LevelError)}
	results, err := check.Folder(ctx, os.DirFS(dir), k.conf.Index, server, k.options, k.work)
	k.bar.clear()
	k.tellBound(results)
	return results, err
}

// write writes the report where it belongs.
func (k *checking) write(report *check.Report) error {
	if k.conf.Output == "-" {
		return report.Write(k.env.Stdout, k.conf.Format)
	}
	f, err := os.Create(k.conf.Output)
	if err != nil {
		return logFault("--output", k.conf.Output, err)
	}
	err = report.Write(f, k.conf.Format)
	if err := errors.Join(err, f.Close()); err != nil {
		return fmt.Errorf("write %s: %w", k.conf.Output, cause(err))
	}
	return nil
}

// A progressBar shows on a terminal how far a crawl is.
type progressBar struct {
	env   *Env
	shown bool
	last  time.Time
}

const (
	barWidth = 24
	barEvery = 100 * time.Millisecond
)

func (b *progressBar) show(done, known int, u *url.URL) {
	if now := time.Now(); b.shown && now.Sub(b.last) < barEvery {
		return
	} else {
		b.last = now
	}
	b.shown = true
	full := barWidth * done / max(known, 1)
	path := u.EscapedPath()
	if most := 79 - barWidth - 20; len(path) > most {
		path = path[:most-3] + "..."
	}
	fmt.Fprintf(b.env.Stderr, "\r\x1b[K[%s%s] %d of %d  %s", strings.Repeat("#", full), strings.Repeat(".", barWidth-full), done, known, path)
}

// clear takes the bar away.
func (b *progressBar) clear() {
	if b.shown {
		io.WriteString(b.env.Stderr, "\r\x1b[K")
		b.shown = false
	}
}
