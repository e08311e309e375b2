// Package wiretest runs scripts that play an HTTP client, and the origin behind
// the server if need be, on raw sockets, byte for byte, so that what a server does on the wire is written down where
// people can read it. It is for tests only, and shares no code with the
// server's parsers: an error in one is not repeated in the other.
//
// A script is a txtar file: text, then files that are put into the folder to
// be served (modified on 2 January 2024, 03:04:05 UTC, unless the script says
// otherwise).
//
//	# A client that has the current copy is told so.
//	req GET /a.txt
//	rx 200
//	expect body "hello\n"
//	save TAG field ETag
//	req GET /a.txt
//		If-None-Match: ${TAG}
//	rx 304
//	expect field ETag ${TAG}
//	-- a.txt --
//	hello
//
// One command stands on a line; "#" begins a comment line. Words are separated by blanks; a
// word in double quotes may hold blanks and the escapes \r \n \t \\ \" \xNN;
// "x"*9 is nine of them; ${NAME} is a saved value, in quotes too. The commands:
//
//	server KEY=VALUE...    settings for the server, before anything else; "plain" means
//	                       that the script is not one for TLS, "loose" that it depends on who is
//	                       faster, so that answers and records are not compared
//	connect [NAME]         open a connection and use it; the first needs no command
//	use NAME               go on with another connection
//	tx WORD...             send the words, nothing between them
//	drip WORD...           the same, one byte in each write
//	req METHOD TARGET [VERSION]
//	                       send a head; the indented lines below it are its fields.
//	                       HTTP/1.1 and "Host: test" are filled in when not given.
//	shut                   end our side; the server's stays open
//	close                  close the connection
//
//	answer STATUS WORD...  on a connection of its own: tx WORD..., rx STATUS, close
//	refuse STATUS RULE WORD...
//	                       the same, but the server must name the rule, say
//	                       "Connection: close", and close in an orderly way
//
//	rx [head] [STATUS]     read one response, with its body by its framing ("head":
//	                       it answers HEAD and has none). 1xx are responses too.
//	rx odd [STATUS]        read one that may be so as no answer of ours is (lint.go): an origin's
//	rx begun               wait until a response begins to arrive
//	rx cut [STATUS]        read a response that must not be complete
//	rx all                 read to the end: what HTTP/0.9 calls a response
//	rx bytes WORD          read as many bytes as the word has; they must be equal
//
//	expect status N
//	expect field NAME VALUE      lines of one name are joined with ", "
//	expect field NAME ~ REGEXP   (!~: must not match; both work below, too)
//	expect nofield NAME
//	expect trailer NAME VALUE
//	expect body TEXT
//	expect raw TEXT              head and body as they came
//	expect length N              bytes of the body
//	expect bodyfile FILE [FROM TO]
//	                             the body is the file, or its bytes FROM to TO
//	expect same                  status, fields (but Date) and body are those of the last "keep"
//	expect rule NAME             why the server said that it answered so
//	expect hot                   the hot path answered (not asked in the run without it)
//	expect closed                the server closed in an orderly way, and sent nothing more
//
//	await FIELD TARGET     ask for it on other connections until the answer has the field: for
//	                       what is made in the background. Indented lines as with req; neither
//	                       transcript nor records show it.
//
//	save NAME field FIELD        also: save NAME body
//	set NAME WORD
//	keep                         remember the response for "expect same"
//
//	write FILE WORD...     touch FILE TIME     rm FILE        mkdir DIR
//	fill FILE SIZE         rename OLD NEW      link OLD NEW   fifo FILE
//	settle                 wait until the edits so far are older than the steps of the file
//	                       system's clock, so that the server may keep what it reads
//	keeptime FILE          (the modification time that FILE had when the last command changed it)
//
// Scripts of RunFront also play the origin that the server stands in front of. Time stands still
// in them (it begins on 2 January 2026, 03:04:05 UTC), and the script tells everything that the
// origin is asked: a hit is proved by the lines that are not there.
//
//	req GET /a
//	origin rx GET /a
//	origin expect nofield If-None-Match
//	origin res 200 "hello\n"
//		Cache-Control: max-age=60
//	rx 200
//	advance 10s
//	req GET /a
//	rx 200
//	expect field Age 10
//
//	origin rx METHOD TARGET [as NAME]
//	                       wait for this request; the lines below are about it. What a proxy
//	                       must not send (lintRequest) is checked without being asked for.
//	origin use NAME        go on with another request that was not answered yet
//	origin expect field NAME VALUE, field NAME ~ REGEXP, nofield NAME, body TEXT
//	origin res STATUS [WORD...]
//	                       answer, with the words as the body; the indented lines below are
//	                       its fields. Date and Content-Length are filled in when not given.
//	origin tx WORD...      send the words, nothing between them
//	origin close           close the connection when all is sent
//	origin down            close all, and let nobody connect any more
//	advance DURATION       let time pass
//	poll TARGET body TEXT, poll TARGET field NAME VALUE
//	                       ask for it on other connections until the answer is so: for what
//	                       is done in the background. Indented lines as with req; neither
//	                       transcript nor records show it.
//
// ${ORIGIN} is the origin's host and port; ${now}, ${now+10s}, ${now-1h} are dates.
//
// ${OUTSIDE} is the path of a file outside the folder that says "outside".
// TIME is RFC 3339. "write" and "fill" give a file the time of the script's other
// files, and one more minute with each command.
//
// Each script runs with the server's hot path, without it, and over TLS; the
// transcripts must be equal to the byte, but for the values of Date and Expires, and the boundary between the parts of a
// multipart answer. What must hold for every answer (lint.go) is checked without being asked for.
package wiretest
