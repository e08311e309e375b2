//go:build !unix

package cgi

import "io/fs"

// Systems without modes and owners of files: what may be run is what can be.

const self = 0

func ownerOf(fs.FileInfo) uint32 { return 0 }

func writableByOthers(fs.FileInfo) bool { return false }

func executable(fs.FileInfo) bool { return true }
