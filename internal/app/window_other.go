//go:build !unix

package app

import "os"

// windowSize returns the usual size of a terminal.
func windowSize(*os.File) (columns, rows int) { return 80, 24 }
