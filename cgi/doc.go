// Package cgi answers requests with programs that speak the Common Gateway
// Interface, CGI/1.1 (RFC 3875): for each request a program is started, gets
// the request as its environment and standard input, and prints the answer.
//
//	h, err := cgi.New(cgi.Options{Dir: "/srv/cgi-bin", Prefix: "/cgi-bin"})
//	…
//	defer h.Close()
//	http.Handle("/cgi-bin/", h)
//
// It is not for programs that stay (that is FastCGI), it passes no command line
// made of the query (RFC 3875 §4.4 allows it, and it has been a hole for
// years), and it makes nobody a user that the server may not become.
//
// # Which program
//
// The first component of the path that is a file is the program, what follows
// is PATH_INFO. Paths are decoded once, and normal form is what programs see:
// without empty and dot segments. A program must be
//
//   - a regular file inside [Options.Dir]; links are followed as long as they
//     stay inside, names that begin with a dot are never looked up;
//   - executable (else 403: what stands where programs are run is never sent);
//   - as suEXEC asks, not writable by group or others, and neither must be the
//     folders from Dir to it; all owned by root, the server's user, or the owner
//     of Dir ([Options.AllowWritable] turns that off).
//
// It runs in its own folder, with its path as its only argument, as
// [Options.User], never as root, and within [Limits]. Its environment is the
// request (RFC 3875 §4.1), PATH, the language and time zone of the server, and
// what [Options.Env] says; never HTTP_PROXY.
//
// # Bodies
//
// A program reads CONTENT_LENGTH octets from its standard input. A request body
// of at most 64 KiB is read before the program starts, so that a slow client
// holds no process; a longer one of known length is copied while the answer
// goes out; one of unknown length is spooled first, and the program reads
// the file. Content codings are left as they are. When the client breaks a body
// off, the program is ended.
//
// # Answers
//
// A document, a redirect with or without a document, or a local redirect: a
// Location that begins with a slash and nothing else is looked up anew with GET
// (HEAD for HEAD) and without a body, ten times at most. A program whose
// name begins with "nph-" prints a status line first; what frames the body is
// the server's all the same, so that connections persist. What a program prints
// is sent when it pauses for 10 ms, events (text/event-stream) at once.
//
// # Ends
//
// A program ends with its request: when its client leaves, when its time is
// over, when it prints too much, it and all that it started get TERM, and
// KILL after [Options.Grace]. What it leaves behind when it ends is killed, too.
// An answer that is not complete never looks so: the connection is cut. When a
// program has closed its output, the answer waits for its end for 1 s; then the
// answer is over, and the program goes on within its time and its turn.
//
// # Invariants
//
//   - At most [Options.Running] programs run; a turn is given back when the
//     program and all that it started are gone.
//   - No goroutine, descriptor, file or process outlives [Handler.Close].
//   - A request reads its body and writes its answer only on goroutines that
//     ServeHTTP waits for.
//   - The source of a program is never sent.
//
// On systems other than Linux, what package internal/child says holds: there
// is no sandbox and there are no limits. On Windows there is no flush when a
// program pauses either, but for events.
package cgi
