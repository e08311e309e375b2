//go:build !unix

package worker

import (
	"io/fs"

	"freshet/internal/child"
)

// moreDescriptors says whether a program can have more than three.
const moreDescriptors = false

// programEndings are what the name of a program may end with beyond what is
// said.
var programEndings = []string{"", ".exe", ".com", ".bat"}

func isProgram(fi fs.FileInfo) bool { return fi.Mode().IsRegular() }

// Owners and modes say nothing here: who may change a folder is for its access
// list, which is not looked at.

func trusted(fs.FileInfo) bool { return true }

func changeable(fs.FileInfo) bool { return false }

func enterable(fs.FileInfo, *child.User) bool { return true }

func theirs(fs.FileInfo, *child.User) bool { return true }

const withoutWaiting = 0
