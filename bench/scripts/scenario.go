package main

import (
	"bytes"
	"fmt"
	"strings"
)

// kind is what runs the script: it decides which servers take part, and what
// runs beside them.
type kind string

const (
	cgi kind = "cgi" // a program that the server starts
	php kind = "php" // PHP's process manager, over FastCGI
	app kind = "app" // an application that costs next to nothing, over FastCGI
)

// kinds are all of them, in the order in which they are measured.
var kinds = []kind{cgi, php, app}

// scenario is one thing that clients ask for, a table of the results.
type scenario struct {
	name, title string
	kind        kind
	path        string
	post        int // bytes of the body that the request has, 0 for GET
	size        int // bytes of the body that the answer has
	conns       int
	bare        bool // compare with a program that only starts what the servers start
	curious     bool // with servers that are there for curiosity alone
}

var scenarios = []scenario{
	{name: "cgi", title: "CGI: a small program in C, 1 KiB", kind: cgi, path: "/cgi-bin/page", size: 1024, conns: 8, bare: true, curious: true},
	{name: "cgi-sh", title: "CGI: a script of sh, 1 KiB", kind: cgi, path: "/cgi-bin/page.sh", size: 1024, conns: 8},
	{name: "cgi-post", title: "CGI: the program in C, POST of 10 KiB", kind: cgi, path: "/cgi-bin/page", post: 10 << 10, conns: 8},
	{name: "cgi-1m", title: "CGI: the program in C, 1 MiB", kind: cgi, path: "/cgi-bin/page?n=1048576", size: 1 << 20, conns: 4},
	{name: "php", title: "FastCGI: php-fpm, 1 KiB", kind: php, path: "/page.php", size: 1024, conns: 8},
	{name: "php-10k", title: "FastCGI: php-fpm, 10 KiB", kind: php, path: "/page.php?n=10240", size: 10 << 10, conns: 8},
	{name: "app", title: "FastCGI: an application that costs little, 1 KiB", kind: app, path: "/page.php", size: 1024, conns: 32},
	{name: "app-post", title: "FastCGI: an application that costs little, POST of 10 KiB", kind: app, path: "/page.php", post: 10 << 10, conns: 32},
	{name: "app-1m", title: "FastCGI: an application that costs little, 1 MiB", kind: app, path: "/page.php?n=1048576", size: 1 << 20, conns: 4},
}

// line is what pages are made of.
const line = "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ.\n"

// page returns the first n bytes of many lines.
func page(n int) []byte { return bytes.Repeat([]byte(line), n/len(line)+1)[:n] }

// body returns what the request sends, as post.lua makes it.
func (sc *scenario) body() string { return strings.Repeat("freshet ", sc.post/8) }

// answer returns the body that the answer must have.
func (sc *scenario) answer() []byte {
	if sc.post == 0 {
		return page(sc.size)
	}
	sum := 0
	for _, c := range []byte(sc.body()) {
		sum += int(c)
	}
	return fmt.Appendf(nil, "%d bytes, sum %d\n", sc.post, sum)
}
