// Package applications tries freshet proxy in front of real web applications
// that know nothing of it: Mercurial's web server, which is written in Python,
// and PocketBase, a Go program with a database, a JSON API, uploads and live
// events. It has tests only:
//
//	go test ./...
//
// Each test starts the application, starts the proxy with its defaults (the
// profile called safe), uses the application directly and through the proxy,
// and compares. What must hold: every answer is the one that the application
// gave, or would have given, cold and warm; what was changed through the proxy
// is seen through it at once; what needs a login is nobody else's; and what
// says how long it is good for comes from the cache the second time.
//
// It is a module of its own, so that the applications stay out of the product's
// requirements. Processes are ended by their ids. A test is skipped when the
// application cannot be had, but fails then where the environment has CI set.
package applications
