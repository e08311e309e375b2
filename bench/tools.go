package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// tool is a program, or a file by its path, and the Debian package that has it.
type tool struct{ pkg, program string }

// generators make the load.
var generators = []tool{{"wrk", "wrk"}, {"nghttp2-client", "h2load"}, {"util-linux", "taskset"}}

// installed reports whether the machine has the tool.
func (t tool) installed() bool {
	if filepath.IsAbs(t.program) {
		_, err := os.Stat(t.program)
		return err == nil
	}
	_, err := exec.LookPath(t.program)
	return err == nil
}

// missing returns the packages of the tools that are not installed.
func missing(tools []tool) []string {
	var packages []string
	for _, t := range tools {
		if !t.installed() {
			packages = append(packages, t.pkg)
		}
	}
	return packages
}

// canInstall reports whether this is Debian and we may change it.
func canInstall() bool {
	_, err := os.Stat("/etc/debian_version")
	return err == nil && os.Getuid() == 0
}

// install installs Debian packages, without letting them start their servers.
func install(ctx context.Context, w io.Writer, packages []string) error {
	fmt.Fprintf(w, "installing %s\n", strings.Join(packages, " "))
	undo, err := forbidServices()
	if err != nil {
		return err
	}
	defer undo()
	args := append([]string{"install", "-y", "--no-install-recommends"}, packages...)
	// A machine that never fetched the package lists finds nothing at first.
	if aptGet(ctx, args...) == nil {
		return nil
	}
	if err := aptGet(ctx, "update"); err != nil {
		return err
	}
	return aptGet(ctx, args...)
}

func aptGet(ctx context.Context, args ...string) error {
	cmd := exec.CommandContext(ctx, "apt-get", args...)
	cmd.Env = append(os.Environ(), "DEBIAN_FRONTEND=noninteractive")
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("apt-get %s: %w: %s", args[0], err, out[max(0, len(out)-1000):])
	}
	return nil
}

// forbidServices makes Debian's maintainer scripts start no service, by the
// file that they ask, and returns what removes it. A file that is there
// already is left as it is.
func forbidServices() (undo func(), err error) {
	const path = "/usr/sbin/policy-rc.d"
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o755)
	if os.IsExist(err) {
		return func() {}, nil
	}
	if err != nil {
		return nil, err
	}
	_, err = io.WriteString(f, "#!/bin/sh\nexit 101\n")
	if e := f.Close(); err == nil {
		err = e
	}
	return func() { os.Remove(path) }, err
}
