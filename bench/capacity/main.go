// Command capacity looks at how much freshet's cache can hold and carry:
//
//   - a million objects of 2 KB: what each costs in memory beside its file, and
//     how soon after a restart the first is served from disk;
//   - a thousand clients at once for one thing that is not stored: how many
//     requests reach the origin;
//   - a download of 10 GB that may not be stored: how much memory it takes.
//
// Usage:
//
//	go run -C bench ./capacity [-quick] [-parts objects,crowd,download]
//
// It builds the cache, starts it, and plays origin and clients itself. Every
// body is compared with what the origin sent. The exit status is 1 when a bound
// was not kept or an answer was wrong; with -quick everything is small and the
// memory of an object is not judged. It is for Linux.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"freshet/bench/internal/build"
	"freshet/bench/internal/command"
	"freshet/bench/internal/origin"
	"freshet/bench/internal/process"
)

// The bounds that are held.
const (
	mostIndex    = 600              // bytes of memory for an object on disk
	mostRestart  = time.Second      // from the start of the program to its first hit
	leastKept    = 0.99             // share of the objects that are there after a restart
	mostDownload = 32 << 20         // bytes of memory for a download of any length
	judgedFrom   = 500_000          // objects: with fewer, other memory drowns theirs
	patience     = 30 * time.Second // for one answer
)

// capacity is one run.
type capacity struct {
	w        io.Writer
	origin   *origin.Server
	objects  int
	clients  int
	download int64
	settle   time.Duration // what memory gets to come to rest
	// start starts a cache in front of the origin; data is its folder, "" for
	// memory alone.
	start func(ctx context.Context, data string) (*cache, error)
	// measureIndex looks into the folder of a cache that has ended.
	measureIndex func(ctx context.Context, data string) (entries int64, each float64, err error)
	dir          string
}

func main() { command.Main("capacity", run) }

func run(ctx context.Context, args []string, w io.Writer) error {
	c := &capacity{w: w, settle: 2 * time.Second, measureIndex: indexOf}
	flags := flag.NewFlagSet("capacity", flag.ContinueOnError)
	flags.IntVar(&c.objects, "objects", 1_000_000, "how many objects are stored")
	flags.IntVar(&c.clients, "clients", 1000, "how many clients ask for one thing")
	flags.Int64Var(&c.download, "download", 10_000_000_000, "`bytes` of the download")
	parts := flags.String("parts", "objects,crowd,download", "which parts, in this order")
	quick := flags.Bool("quick", false, "little of each, to see that it works")
	binary := flags.String("freshet", "", "run this `program` instead of building ours")
	if err := flags.Parse(args); err != nil {
		return err
	}
	if *quick {
		c.objects, c.clients, c.download = min(c.objects, 20_000), min(c.clients, 200), min(c.download, 256<<20)
	}
	if c.objects < 1 || c.clients < 1 || c.download < 1 {
		return errors.New("-objects, -clients and -download must be more than nothing")
	}
	limit, err := process.RaiseFiles(uint64(2*c.clients + 500))
	if err != nil {
		return fmt.Errorf("raise the limit on open files: %w", err)
	}
	if room := (int(limit) - 500) / 2; c.clients > room {
		fmt.Fprintf(w, "only %d clients: the system allows no more than %d open files\n", room, limit)
		c.clients = room
	}
	if c.dir, err = os.MkdirTemp("", "freshet-capacity-"); err != nil {
		return err
	}
	defer os.RemoveAll(c.dir)
	if *binary, err = build.Freshet(ctx, *binary, c.dir); err != nil {
		return err
	}
	if c.origin, err = origin.Start("127.0.0.1:0", nil); err != nil {
		return err
	}
	defer c.origin.Close()
	c.start = c.freshet(*binary)
	return c.run(ctx, strings.Split(*parts, ","))
}

// run runs the parts, all of them also when one fails.
func (c *capacity) run(ctx context.Context, parts []string) error {
	known := map[string]func(context.Context) error{"objects": c.runObjects, "crowd": c.runCrowd, "download": c.runDownload}
	var faults []error
	for _, name := range parts {
		part := known[name]
		if part == nil {
			return fmt.Errorf("there is no part %q: there are objects, crowd and download", name)
		}
		if err := part(ctx); err != nil {
			fmt.Fprintf(c.w, "%s: FAILED: %v\n", name, err)
			faults = append(faults, fmt.Errorf("%s: %w", name, err))
		}
		if ctx.Err() != nil {
			break
		}
	}
	return errors.Join(faults...)
}

func mebi(n int64) float64 { return float64(n) / (1 << 20) }
