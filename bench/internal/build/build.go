// Package build builds the program that is measured, from the module above
// this one.
package build

import (
	"context"
	"fmt"
	"os/exec"
	"path/filepath"
	"strings"
)

// Freshet builds our program and writes it to path, which is absolute.
func Freshet(ctx context.Context, path string) error {
	module, err := exec.CommandContext(ctx, "go", "env", "GOMOD").Output()
	if err != nil {
		return fmt.Errorf("go env GOMOD: %w", err)
	}
	repo := filepath.Dir(filepath.Dir(strings.TrimSpace(string(module))))
	if out, err := exec.CommandContext(ctx, "go", "build", "-C", repo, "-o", path, "./cmd/freshet").CombinedOutput(); err != nil {
		return fmt.Errorf("build freshet: %w: %s", err, out)
	}
	return nil
}
