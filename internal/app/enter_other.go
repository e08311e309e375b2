//go:build !unix

package app

import "io/fs"

// whoWorks is who workers run as when nothing else is said.
func whoWorks() string { return "" }

// mayEnter knows nothing of who may enter a folder.
func mayEnter(dir, name string) error { return nil }

// othersWrite knows nothing of who may write.
func othersWrite(fs.FileInfo) bool { return false }
