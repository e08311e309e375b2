// Package field reads and writes the values of HTTP fields: dates, lists,
// entity-tags, byte ranges, content codings, media types and structured values.
// It is pure and, for what a server does on every request, allocates nothing;
// values are strings, which may be views of a buffer.
//
// It decides nothing: which range is sent or which tag matches is decided by
// package conditional.
package field
