//go:build !(linux || darwin || freebsd || netbsd || openbsd || dragonfly || windows)

package app

import "os"

// hideTyping is not known on this system: what is typed is shown.
func hideTyping(*os.File) (restore func(), ok bool) { return nil, false }
