//go:build !linux

package gateway

import "os"

func unnamed(dir string) (*os.File, string, error) { return removed(dir) }

func onlyRead(f *os.File) *os.File { return f }
