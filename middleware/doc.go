// Package middleware gives any http.Handler, under any HTTP server, what
// static files have: validators that are honoured, content codings with
// right entity-tags, and lifetimes.
//
//   - [Validate] answers 304 and 412 for a handler that names its ETag or
//     Last-Modified, without running it when that can be told beforehand.
//     [Check] is the same from within a handler.
//   - [Compress] codes what a handler writes with br, zstd or gzip.
//   - [Expires] adds Cache-Control by media type or path.
//
// Each works alone. Stacked, they go in this order, so that Validate sees the
// entity-tags as the handler knows them:
//
//	h = middleware.Compress(middleware.Expires(middleware.Validate(h, of), rules...), middleware.CompressOptions{})
//
// None of them takes anything from the http.ResponseWriter: flushing,
// hijacking, deadlines, full duplex, interim responses, trailers and sendfile
// work through them, by http.ResponseController and by type assertion.
//
// The package does not route, authenticate, limit or log, and it keeps
// nothing from one request to the next: it is no cache.
package middleware
