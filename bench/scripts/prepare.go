package main

import (
	"context"
	"embed"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"

	"freshet/bench/internal/build"
)

//go:embed site
var site embed.FS

// prepare makes everything that servers and load generators need. The returned
// function removes it again, and is never nil.
func (b *bench) prepare(ctx context.Context, w io.Writer) (clean func(), err error) {
	clean = func() {}
	if err := b.findPrograms(w); err != nil {
		return clean, err
	}
	if b.user, err = findUser(); err != nil {
		return clean, err
	}
	if b.repo, err = build.Repo(ctx); err != nil {
		return clean, err
	}
	if b.dir, err = os.MkdirTemp("", "freshet-scripts-"); err != nil {
		return clean, err
	}
	clean = func() { os.RemoveAll(b.dir) }
	b.root, b.programs = filepath.Join(b.dir, "site"), filepath.Join(b.dir, "programs")
	return clean, errors.Join(
		os.Chmod(b.dir, 0o755), // for the user of servers and scripts
		os.Mkdir(b.programs, 0o755),
		b.writeSite(ctx),
		b.build(ctx),
	)
}

// findPrograms leaves out the servers that are not there: with -quick it says
// so, else it is an error, for a table without a peer says less than it seems.
func (b *bench) findPrograms(w io.Writer) error {
	// Where Debian has servers, though not on everybody's path.
	if err := os.Setenv("PATH", os.Getenv("PATH")+":/usr/sbin:/sbin"); err != nil {
		return err
	}
	lack := missing([]tool{{"wrk", "wrk"}, {"util-linux", "taskset"}, {"util-linux", "setpriv"}})
	if len(lack) > 0 {
		return fmt.Errorf("install these packages first: %s", strings.Join(lack, " "))
	}
	var there []*server
	for _, s := range b.servers {
		if l := missing(s.tools); len(l) > 0 {
			fmt.Fprintf(w, "skipped: %s, because %s is not installed\n", s.name, strings.Join(l, " "))
			lack = append(lack, l...)
			continue
		}
		there = append(there, s)
	}
	b.servers = there
	// Debian names the program after the version.
	for _, dir := range filepath.SplitList(os.Getenv("PATH")) {
		if found, _ := filepath.Glob(filepath.Join(dir, "php-fpm*")); len(found) > 0 && b.php == "" {
			b.php = found[len(found)-1]
		}
	}
	if b.php == "" {
		fmt.Fprintln(w, "skipped: all that is with PHP, because php-fpm is not installed")
		lack = append(lack, "php-fpm")
	}
	if _, err := exec.LookPath("cc"); err != nil {
		fmt.Fprintln(w, "without a C compiler (cc) the small program of CGI is the script of sh; POST and 1 MiB are left out")
		lack = append(lack, "gcc")
	}
	if len(lack) > 0 && !b.quick {
		slices.Sort(lack)
		return fmt.Errorf("install these packages first, or name with -servers those that are there: %s", strings.Join(slices.Compact(lack), " "))
	}
	return nil
}

// writeSite writes the scripts, each of which gives the same page.
func (b *bench) writeSite(ctx context.Context) error {
	bin := filepath.Join(b.root, "cgi-bin")
	if err := os.MkdirAll(bin, 0o755); err != nil {
		return err
	}
	for _, name := range []string{"page.php", "post.lua"} {
		text, err := site.ReadFile("site/" + name)
		if err != nil {
			return err
		}
		if err := os.WriteFile(filepath.Join(b.root, name), text, 0o644); err != nil {
			return err
		}
	}
	script := fmt.Sprintf("#!/bin/sh\nprintf 'Content-Type: text/plain\\nX-Script: page\\n\\n%%s\\n' '%s'\n", strings.TrimSuffix(string(page(1024)), "\n"))
	if err := os.WriteFile(filepath.Join(bin, "page.sh"), []byte(script), 0o755); err != nil {
		return err
	}
	source, err := site.ReadFile("site/page.c")
	if err != nil {
		return err
	}
	cc, err := exec.LookPath("cc")
	if err != nil {
		return os.WriteFile(filepath.Join(bin, "page"), []byte(script), 0o755)
	}
	file := filepath.Join(b.dir, "page.c")
	if err := os.WriteFile(file, source, 0o644); err != nil {
		return err
	}
	if out, err := exec.CommandContext(ctx, cc, "-O2", "-static", "-o", filepath.Join(bin, "page"), file).CombinedOutput(); err != nil {
		return fmt.Errorf("compile the program of CGI: %w: %s", err, out)
	}
	return nil
}

// build builds the programs that take part.
func (b *bench) build(ctx context.Context) error {
	module := filepath.Join(b.repo, "bench")
	for _, name := range []string{"bare", "responder"} {
		if err := build.Package(ctx, module, "./peers/"+name, filepath.Join(b.programs, name)); err != nil {
			return err
		}
	}
	if !slices.ContainsFunc(b.servers, func(s *server) bool { return s.ours }) {
		return nil
	}
	path, err := build.Freshet(ctx, b.binary, b.programs)
	if err != nil || b.binary == "" {
		return err
	}
	// A copy, which the user of the servers can reach.
	text, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(b.programs, "freshet"), text, 0o755)
}

// tool is a program, or a file by its path, and the Debian package that has it.
type tool struct{ pkg, program string }

// missing returns the packages of the tools that are not installed.
func missing(tools []tool) []string {
	var packages []string
	for _, t := range tools {
		_, err := exec.LookPath(t.program)
		if filepath.IsAbs(t.program) {
			_, err = os.Stat(t.program)
		}
		if err != nil {
			packages = append(packages, t.pkg)
		}
	}
	return packages
}
