// Package applications tries freshet with real programs that know nothing of
// it. It has tests only:
//
//	go test ./...
//
// # Behind freshet proxy
//
// Mercurial's web server, which is written in Python, and PocketBase, a Go
// program with a database, a JSON API, uploads and live events.
// Each test starts the application, starts the proxy with its defaults (the
// profile called safe), uses the application directly and through the proxy,
// and compares. What must hold: every answer is the one that the application
// gave, or would have given, cold and warm; what was changed through the proxy
// is seen through it at once; what needs a login is nobody else's; and what
// says how long it is good for comes from the cache the second time.
//
// # As CGI and FastCGI
//
// git http-backend, used by the real git: clones, fetches and pushes, after
// which all ids of objects are compared. cgit, whose pages are compared with
// what it gives below Go's own net/http/cgi. Scripts as people have them, in sh,
// Perl and Python (testdata/programs). php-fpm, with a pool of its own, for the
// scripts of testdata/php: forms, an upload of a gigabyte within the memory that
// freshet had before it, sessions, scripts that end half way, a pool that has no
// worker left, and one that is restarted while it is used. Go's net/http/fcgi,
// behind a socket and as workers that freshet starts. As root the programs run
// as nobody. At the end of each test no process is left that knows of its
// folder, and no file in TMPDIR.
//
// # Through freshet filter
//
// Squid and Privoxy as the parent of the forward proxy, and as its child: both
// are passed, in order, by http and by https, and one of them answers the second
// request from its cache. curl, apt, Python's urllib and git as its clients:
// downloads that go on where they had stopped, a clone and a push.
//
// It is a module of its own, so that the applications stay out of the product's
// requirements. Processes are ended by their ids. A test is skipped when the
// application cannot be had, but fails then where the environment has CI set.
package applications
