// Package fastcgi asks FastCGI backends, such as php-fpm, and passes their
// answers on: a client of the FastCGI 1.0 specification as an [http.Handler],
// in the roles responder ([Handler]) and authorizer ([Authorizer]).
//
//	h, err := fastcgi.New(fastcgi.Options{
//		Address: "unix:/run/php/php-fpm.sock",
//		Root:    "/srv/www",
//		Files:   static.New(…),
//	})
//	…
//	http.ListenAndServe(":8080", h)
//	h.Close()
//
// With Root the package decides which script a path is for, by what is below
// that folder; without Root the backend is an application that gets every path.
//
// Invariants:
//
//   - A backend is only told of scripts that are regular files below Root, found
//     without following a link out of it: /upload.jpg/x.php does not make
//     upload.jpg a script, whatever cgi.fix_pathinfo says.
//   - The source of a script is never sent.
//   - An answer that the backend did not finish (END_REQUEST) is cut, so that
//     nobody takes it for a whole one; before its head it is a 502.
//   - Memory for a request does not grow with its body or its answer.
//   - A request is sent a second time only over a connection that was kept too
//     long, before anything of an answer came, and when that does no harm.
//
// # Connections
//
// A connection carries one request at a time and is kept (FCGI_KEEP_CONN) for
// Options.Idle. Requests are not multiplexed: hardly a backend can, and each
// waits for the slowest. Options.Conns bounds connections, and so
// what runs; more requests wait in the order they came (Queue, QueueTime), then
// get 503 with Retry-After.
//
// A kept connection holds a php-fpm worker. Conns should be at most
// pm.max_children, less what other servers need; when it is more, connections
// that wait for a worker are noticed after 100 ms, and kept ones given up for
// them.
//
// When a client goes away, FCGI_ABORT_REQUEST is sent where the request was
// sent whole, and the connection is closed. php-fpm knows no abort: it ends a
// script when that prints, and not before, unless its own limits
// (request_terminate_timeout) do.
//
// # Limits
//
// See [Options]; each has a default. An answer is passed on as fast as its
// client takes it: a slow client holds a worker of the backend, unless a cache in
// front takes the answer. The status with which a script exits (appStatus) is
// not looked at: an answer that it ended is whole.
//
// This is no process manager for php-fpm, no FastCGI server and no client for the
// role filter, and it does not multiplex. X-Sendfile and X-Accel-Redirect are
// obeyed for the folders that are listed, and refused else.
package fastcgi
