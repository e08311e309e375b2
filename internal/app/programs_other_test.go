//go:build !unix

package app

// serveWorker is for systems where workers have a socket as standard input.
func serveWorker() {}
