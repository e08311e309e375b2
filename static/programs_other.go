//go:build !linux

package static

import "os"

// realName is the name that the path of an open file leads to now.
func realName(f *os.File) (string, error) { return realPath(f) }
