package main

import "net/http"

// scenario is one thing that clients do to a server, a table of the results.
type scenario struct {
	name, title string
	path        string
	header      []string // "Name: value", sent with each request
	needs       need
	conns       int
	streams     int    // requests at once on each connection, for HTTP/2
	script      string // of wrk
	argument    string // of the script
	conditional bool   // sends the validator that the server gave
	many        bool   // the path is one of manyFiles, each asked for once before
	idle        bool   // measures memory of idle connections instead of time
	status      int    // that every answer must have
	floors      []floor
	idleFloor   float64 // bytes that an idle connection of ours may take; 0 promises nothing
	idleAim     float64
}

// floor is what we hold ourselves to: CPU time per request of peer must be at
// least ratio × that of ours (0 promises nothing); aim is what we would like.
type floor struct {
	ours, peer string
	ratio, aim float64
}

// small are the floors of all scenarios of small, plain answers.
var small = []floor{
	{"freshet", "nginx", 1, 1.3},
	{"freshet-1s", "nginx", 1.15, 1.3},
	{"freshet-1s", "h2o", 0.95, 1.1},
}

// cached are the floors of a hit in memory: it costs little more than a file
// that is served without a cache.
var cached = []floor{
	{"proxy", "nginx-cache", 1.3, 1.3},
	{"proxy", "nginx-cache-copy", 1, 1.3},
	{"proxy", "varnish", 3, 3},
	{"proxy", "static", 0.87, 1},
}

// scenarios are all of them, in the order in which they run.
var scenarios = []scenario{
	{name: "small-1", title: "1 KiB file, 1 connection", path: "/1k.txt", conns: 1, status: http.StatusOK, floors: small},
	{name: "small-64", title: "1 KiB file, 64 connections", path: "/1k.txt", conns: 64, status: http.StatusOK,
		floors: append(small[:len(small):len(small)], floor{"freshet", "fileserver", 3.5, 3.5})},
	{name: "small-1000", title: "1 KiB file, 1000 connections", path: "/1k.txt", conns: 1000, status: http.StatusOK, floors: small},
	{name: "not-modified", title: "304 by the validator that the server gave, 64 connections", path: "/1k.txt", conns: 64, conditional: true, status: http.StatusNotModified,
		floors: []floor{{"freshet", "nginx", 0.95, 1.15}, {"freshet", "h2o", 1, 1.15}}},
	{name: "not-found", title: "404, 64 connections", path: "/no/such/file.txt", conns: 64, status: http.StatusNotFound, floors: small},
	{name: "many-files", title: "20,000 different files of 1 KiB, 64 connections", path: manyName(0), conns: 64, script: "files.lua", many: true, status: http.StatusOK,
		floors: []floor{{"freshet", "nginx", 0.95, 1.2}, {"freshet-1s", "nginx", 1, 1.2}}},
	{name: "range", title: "100 bytes of a 100 KiB file, 64 connections", path: "/100k.bin", header: []string{"Range: bytes=100-199"}, conns: 64, status: http.StatusPartialContent, floors: small},
	{name: "100k", title: "100 KiB file, 64 connections", path: "/100k.bin", conns: 64, status: http.StatusOK},
	{name: "10m", title: "10 MiB file, 4 connections", path: "/10m.bin", conns: 4, status: http.StatusOK,
		floors: []floor{{"freshet", "fileserver", 1, 1}}},
	{name: "new-connection", title: "1 KiB file, a new connection for each request, 64 at once", path: "/1k.txt", header: []string{"Connection: close"}, conns: 64, status: http.StatusOK,
		floors: []floor{{"freshet", "fileserver", 2, 2}, {"freshet", "nginx", 0, 1}}},
	{name: "gzip", title: "20 KiB of script with gzip, 64 connections", path: "/script.js", header: []string{"Accept-Encoding: gzip"}, needs: needGzip, conns: 64, status: http.StatusOK,
		floors: []floor{{"freshet", "nginx", 8, 10}}},
	{name: "log", title: "1 KiB file with an access log, 64 connections", path: "/1k.txt", needs: needLog, conns: 64, status: http.StatusOK, floors: small},
	{name: "pipelined", title: "1 KiB file, 16 requests at once on each of 64 connections", path: "/1k.txt", script: "pipeline.lua", argument: "16", conns: 64, status: http.StatusOK, floors: small},
	{name: "tls", title: "1 KiB file, HTTP/1.1 over TLS, 64 connections", path: "/1k.txt", needs: needTLS, conns: 64, status: http.StatusOK},
	{name: "h2", title: "1 KiB file, HTTP/2 over TLS, 8 requests at once on each of 32 connections", path: "/1k.txt", needs: needTLS, conns: 32, streams: 8, status: http.StatusOK},
	{name: "handler", title: "hello world from an http.Handler, 64 connections", path: "/", needs: needHandler, conns: 64, status: http.StatusOK,
		floors: []floor{{"httpd", "net/http", 2, 3}}},
	{name: "cache-hit", title: "1 KiB from a cache in memory, 64 connections", path: "/1k.txt", needs: needHit, conns: 64, status: http.StatusOK, floors: cached},
	{name: "cache-many", title: "20,000 different answers of 1 KiB from a cache in memory, 64 connections", path: manyName(0), needs: needHit, conns: 64, script: "files.lua", many: true, status: http.StatusOK,
		floors: []floor{{"proxy", "nginx-cache", 1, 1.3}, {"proxy", "varnish", 0, 3}}},
	{name: "cache-304", title: "304 from a cache, by the origin's validator, 64 connections", path: "/1k.txt", needs: needHit, conns: 64, conditional: true, status: http.StatusNotModified,
		floors: []floor{{"proxy", "nginx-cache", 0, 1.3}, {"proxy", "varnish", 0, 3}}},
	{name: "cache-range", title: "100 bytes of 100 KiB from a cache, 64 connections", path: "/100k.bin", header: []string{"Range: bytes=100-199"}, needs: needHit, conns: 64, status: http.StatusPartialContent,
		floors: []floor{{"proxy", "nginx-cache", 0, 1.3}, {"proxy", "varnish", 0, 3}}},
	{name: "cache-disk", title: "100 KiB from a cache's files, 64 connections", path: "/100k.bin", needs: needDisk, conns: 64, status: http.StatusOK,
		floors: []floor{{"proxy-disk", "nginx-cache", 1, 1}}},
	{name: "cache-miss", title: "1 KiB that is new to the cache and stored, 64 connections", path: "/miss/0", needs: needMiss, script: "miss.lua", conns: 64, status: http.StatusOK,
		floors: []floor{{"proxy-disk", "nginx-cache", 1, 1}, {"proxy", "nginx-cache", 1, 1}, {"proxy", "varnish", 0, 1}}},
	{name: "idle", title: "memory of idle connections", path: "/1k.txt", idle: true, status: http.StatusOK, idleFloor: 4096, idleAim: 2560},
	{name: "idle-handler", title: "memory of idle connections, http.Handler", path: "/", needs: needHandler, idle: true, status: http.StatusOK},
}
