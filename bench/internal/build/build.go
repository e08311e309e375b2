// Package build builds the programs that are measured: ours, from the module
// above this one, and those of this module.
package build

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// Freshet returns the absolute path of our program: the given one, or, when
// that is "", one that is built into dir, which is absolute.
func Freshet(ctx context.Context, given, dir string) (string, error) {
	if given != "" {
		return filepath.Abs(given)
	}
	repo, err := Repo(ctx)
	if err != nil {
		return "", err
	}
	path := filepath.Join(dir, "freshet")
	return path, Package(ctx, repo, "./cmd/freshet", path)
}

// Package builds a package of the module in a folder and writes the program to
// path, which is absolute. It is built as releases are: without the C library.
func Package(ctx context.Context, module, pkg, path string) error {
	build := exec.CommandContext(ctx, "go", "build", "-C", module, "-o", path, pkg)
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		return fmt.Errorf("build %s: %w: %s", filepath.Base(path), err, strings.TrimSpace(string(out)))
	}
	return nil
}

// Repo returns the folder of the module above this one.
func Repo(ctx context.Context) (string, error) {
	module, err := GoEnv(ctx, "GOMOD")
	return filepath.Dir(filepath.Dir(module)), err
}

// GoEnv asks the go command for a variable.
func GoEnv(ctx context.Context, name string) (string, error) {
	out, err := exec.CommandContext(ctx, "go", "env", name).Output()
	if err != nil {
		return "", fmt.Errorf("go env %s: %w", name, err)
	}
	return strings.TrimSpace(string(out)), nil
}
