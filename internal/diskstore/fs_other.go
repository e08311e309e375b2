//go:build !unix

package diskstore

import "os"

func writeFile(name string, content []byte) error { return os.WriteFile(name, content, 0o600) }
func rename(from, to string) error                { return os.Rename(from, to) }
