package jobs

import (
	"log/slog"
	"time"
)

// Options of a Scheduler. Zero fields mean the defaults.
type Options struct {
	// Now is the clock; default time.Now.
	Now func() time.Time
	// Lease is for how long a claimed task is a worker's that gives no sign;
	// default 15 s.
	Lease time.Duration
	// Losses is how many runs of a task may end without a result, one after the
	// other or not, before the task is Dead; default 5, at most 1000.
	Losses int
	// Pools are limits of tasks that run at once, by pool; default none.
	Pools map[string]int
	// Shares are what owners get of the workers compared with others; default 1.
	Shares map[string]int

	// Room says whether so many bytes of jobs more can be kept, when jobs are
	// submitted; its error refuses them. It must not wait for anything; nil: they can.
	Room func(bytes int) error
	// Takes reports whether a worker would take another task, as one that is to take
	// none would not: no task is asked to go there. It must not wait for anything;
	// nil: each would.
	Takes func(worker string) bool
	// Heed is called when a task of a worker is to end, because it was cancelled or
	// pre-empted: one that beats then hears it at once. It must not wait for
	// anything; nil: workers hear it with their next Beat.
	Heed func(worker string)

	// MaxJobs is how many jobs there may be, finished ones too; default
	// 1,000,000. Beyond, and beyond the next two, Submit says ErrFull.
	MaxJobs int
	// MaxBytes is how many bytes all their specs may have; default 1 GiB.
	MaxBytes int64
	// MaxClasses is how many combinations of priority, owner, pool, kind and needs
	// there may be among jobs; default 10,000.
	MaxClasses int
	// MaxWaiting is how many Claims may wait; default 10,000. Beyond, ErrFull.
	MaxWaiting int
	// MaxWatching is how many Watches there may be; default 10,000. Beyond, ErrFull.
	MaxWatching int

	// Keep is for how long jobs that succeeded or were cancelled are known;
	// default 7 days. KeepFailed is the same for those that failed or are dead;
	// default 30 days. A job that others wait for is kept.
	Keep, KeepFailed time.Duration
	// KeepJobs is how many of each of the two are known at most, the latest;
	// default 100,000.
	KeepJobs int

	// PageEntries and PageBytes are after how many entries or bytes of the log
	// pages are written and the log is cut; default 20,000 and 16 MiB.
	PageEntries int
	PageBytes   int64

	// ErrorLog gets what goes wrong with nobody waiting for it; default
	// slog.Default().
	ErrorLog *slog.Logger
}

func (o *Options) setDefaults() {
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.ErrorLog == nil {
		o.ErrorLog = slog.Default()
	}
	durations := []struct {
		v *time.Duration
		d time.Duration
	}{{&o.Lease, 15 * time.Second}, {&o.Keep, 7 * 24 * time.Hour}, {&o.KeepFailed, 30 * 24 * time.Hour}}
	for _, x := range durations {
		if *x.v <= 0 {
			*x.v = x.d
		}
	}
	numbers := []struct {
		v *int
		d int
	}{
		{&o.Losses, 5}, {&o.MaxJobs, 1_000_000}, {&o.MaxClasses, 10_000}, {&o.MaxWaiting, 10_000}, {&o.MaxWatching, 10_000},
		{&o.KeepJobs, 100_000}, {&o.PageEntries, 20_000},
	}
	for _, x := range numbers {
		if *x.v <= 0 {
			*x.v = x.d
		}
	}
	o.Losses = min(o.Losses, 1000)
	if o.MaxBytes <= 0 {
		o.MaxBytes = 1 << 30
	}
	if o.PageBytes <= 0 {
		o.PageBytes = 16 << 20
	}
}
