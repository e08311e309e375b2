package app

import (
	"os"

	"golang.org/x/sys/windows"
)

// hideTyping has a console not show what is typed, until restore is called. It is
// not ok when the file is no console.
func hideTyping(f *os.File) (restore func(), ok bool) {
	console := windows.Handle(f.Fd())
	var was uint32
	if windows.GetConsoleMode(console, &was) != nil || windows.SetConsoleMode(console, was&^windows.ENABLE_ECHO_INPUT) != nil {
		return nil, false
	}
	return func() { windows.SetConsoleMode(console, was) }, true
}
