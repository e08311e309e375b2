//go:build !unix

package app

import "io/fs"

// isOurs is for systems on which folders are not shared by users.
func isOurs(fs.FileInfo) bool { return true }
