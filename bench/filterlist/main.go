// Command filterlist measures package filterlist with EasyList, EasyPrivacy and
// lists of uBlock Origin and others, and compares its verdicts with those of
// another engine:
//
//	go run -C bench ./filterlist [-out FILE]           # load time, memory, time of a match
//	go run -C bench ./filterlist -compare [-out FILE]  # the same requests to @ghostery/adblocker
//
// The lists are test data of the npm package ad-block; both packages are pinned
// by hash and installed into the user's folder for caches. It needs node and npm.
package main

import (
	"context"
	"flag"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"time"

	"freshet/bench/internal/build"
	"freshet/bench/internal/command"
	"freshet/bench/internal/machine"
	"freshet/filterlist"
)

// bench is one run.
type bench struct {
	args     []string
	repo     string
	work     string // where packages are installed
	examples int
	quick    bool
}

// listNames are the lists, as the package names them.
var listNames = []string{"easylist", "easyprivacy", "ublock-unbreak", "brave-unbreak", "spam404-main-blacklist"}

func main() { command.Main("filterlist", run) }

func run(ctx context.Context, args []string, w io.Writer) error {
	b := &bench{args: args}
	flags := flag.NewFlagSet("filterlist", flag.ContinueOnError)
	compare := flags.Bool("compare", false, "compare verdicts with the other engine's instead of measuring")
	flags.StringVar(&b.work, "work", "", "install packages into this `folder` (default: freshet-filterlist in the user's folder for caches)")
	flags.IntVar(&b.examples, "examples", 2, "how many examples of each class of differences are printed")
	flags.BoolVar(&b.quick, "quick", false, "a moment, to see that it works, with rules made up: no package is installed")
	out := flags.String("out", "", "write the results to this `file` too")
	if err := flags.Parse(args); err != nil {
		return err
	}
	if b.work == "" {
		cache, err := os.UserCacheDir()
		if err != nil {
			return fmt.Errorf("find the folder for caches: %w", err)
		}
		b.work = filepath.Join(cache, "freshet-filterlist")
	}
	var err error
	if b.repo, err = build.Repo(ctx); err != nil {
		return err
	}
	if *out != "" {
		f, err := os.Create(*out)
		if err != nil {
			return err
		}
		defer f.Close()
		w = io.MultiWriter(w, f)
	}
	if *compare {
		return b.compare(ctx, w)
	}
	return b.measure(ctx, w)
}

// header says where figures come from.
func (b *bench) header(ctx context.Context, w io.Writer) {
	fmt.Fprintf(w, "date:      %s UTC\n", time.Now().UTC().Format("2006-01-02 15:04"))
	fmt.Fprintf(w, "commit:    %s\n", machine.Commit(ctx, b.repo))
	fmt.Fprintf(w, "command:   go run -C bench ./filterlist %s\n", machine.Quoted(b.args))
	fmt.Fprintf(w, "machine:   %s\n", machine.Describe())
	fmt.Fprintf(w, "go:        %s\n", runtime.Version())
	if !b.quick {
		fmt.Fprintf(w, "lists:     %s, as in the npm package ad-block 4.1.7\n", strings.Join(listNames, ", "))
	}
}

func (b *bench) peer() string {
	return filepath.Join(b.repo, "bench", "filterlist", "peer", "peer.mjs")
}

// lists installs what is needed and reads the lists.
func (b *bench) lists(ctx context.Context) (lists []filterlist.Source, files []string, sites string, err error) {
	cmd := exec.CommandContext(ctx, "node", b.peer(), "install", b.work)
	cmd.Stderr = os.Stderr
	out, err := cmd.Output()
	if err != nil {
		return nil, nil, "", fmt.Errorf("install the lists: %w", err)
	}
	dir := strings.TrimSpace(string(out))
	for _, name := range listNames {
		file := filepath.Join(dir, name+".txt")
		text, err := os.ReadFile(file)
		if err != nil {
			return nil, nil, "", err
		}
		lists = append(lists, filterlist.Source{Name: name, Text: string(text)})
		files = append(files, file)
	}
	return lists, files, filepath.Join(dir, "sitelist.txt"), nil
}
