package rule

// Programs that answer by CGI or FastCGI.
const (
	_ ID = 5<<8 + iota
	ScriptAnswered

	// Which program.
	ScriptMissing
	ScriptOutside
	ScriptNotExecutable
	ScriptWritable
	ScriptPath
	ScriptRedirectLoop

	// When, and with what.
	ScriptQueueFull
	ScriptQueueTimeout
	ScriptBodyTooLarge
	ScriptSpoolFailed
	ScriptNotStarted
	ScriptNoRoom

	// What came of it.
	ScriptNoHead
	ScriptHeadInvalid
	ScriptHeadTooLarge
	ScriptHeadTimeout
	ScriptTimeout
	ScriptDied
	ScriptOutputTooLarge
	ScriptIncomplete
	ScriptStopped
	ScriptClientGone

	// FastCGI.
	FastcgiUnreachable
	FastcgiConnectTimeout
	FastcgiTerminated
	FastcgiProtocol
	FastcgiOverloaded
	FastcgiRole
	FastcgiDenied
	SendfileRefused
	WorkersNone
)

var scriptTable = [...]Row{
	ScriptAnswered & 0xff: {"script-answered", 0, "the program answered", "RFC 3875 §6", ""},

	// Which program.
	ScriptMissing & 0xff: {"script-missing", 404, "no program has that path", "RFC 3875 §3.3",
		"check the path; the first part of it that is a file is the program"},
	ScriptOutside & 0xff: {"script-outside", 404, "the path leads out of the folder of programs, by a link or a special file", "",
		"put the program itself into the folder"},
	ScriptNotExecutable & 0xff: {"script-not-executable", 403, "the file stands where programs are run, and may not be executed", "",
		"chmod a+rx the file, or move it to where files are served"},
	ScriptWritable & 0xff: {"script-writable", 403, "the program, or the folder it is in, may be changed by others", "",
		"chmod go-w the file and its folder"},
	ScriptPath & 0xff: {"script-path", 400, "the path is broken, hides a separator or a NUL, or climbs above the root", "RFC 3986 §5.2.4",
		"send a path without dot segments, %2F and %00"},
	ScriptRedirectLoop & 0xff: {"script-redirect-loop", 502, "the program's local redirects did not end", "RFC 3875 §6.2.2",
		"have the program answer, or send a full URL in Location"},

	// When, and with what.
	ScriptQueueFull & 0xff: {"script-queue-full", 503, "as many programs run as may, and as many requests wait", "RFC 9110 §15.6.4",
		"try again later, or raise the limits on programs and on their queue"},
	ScriptQueueTimeout & 0xff: {"script-queue-timeout", 503, "as many programs run as may, and none ended in time", "RFC 9110 §15.6.4",
		"try again later, or raise the limit on programs or on waiting"},
	ScriptBodyTooLarge & 0xff: {"script-body-too-large", 413, "the body's length was not announced, and it is longer than may be kept aside", "RFC 3875 §4.1.2",
		"send Content-Length, or raise the limit on what is kept aside"},
	ScriptSpoolFailed & 0xff: {"script-spool-failed", 503, "the body could not be kept aside", "",
		"see the error log; most often a disk is full"},
	ScriptNotStarted & 0xff: {"script-not-started", 502, "the program could not be started", "RFC 9110 §15.6.3",
		"see the error log; most often its first line names no interpreter, or one that does not exist"},

	ScriptNoRoom & 0xff: {"script-no-room", 503, "the system has no process, descriptor or memory left for another program", "RFC 9110 §15.6.4",
		"try again later, or run fewer programs at once; see the error log for which"},

	// What came of it.
	ScriptNoHead & 0xff: {"script-no-head", 502, "the program ended before its answer's fields were complete", "RFC 3875 §6.2",
		"see the error log for what it said; a program prints fields, an empty line, and then the body"},
	ScriptHeadInvalid & 0xff: {"script-head-invalid", 502, "the fields that the program's answer begins with are malformed", "RFC 3875 §6.3",
		"have the program print Content-Type: and an empty line first"},
	ScriptHeadTooLarge & 0xff: {"script-head-too-large", 502, "the program's answer begins with more fields than may be", "RFC 3875 §6.3",
		"have the program print less, or raise the limit on heads"},
	ScriptHeadTimeout & 0xff: {"script-head-timeout", 504, "the program did not begin its answer in time, and was ended", "RFC 9110 §15.6.5",
		"make the program faster, or raise the limit on its time"},
	ScriptTimeout & 0xff: {"script-timeout", 0, "the program's time was over before its answer was, so it was ended and the client cut", "RFC 9112 §8",
		"make the program faster, or raise the limit on its time"},
	ScriptDied & 0xff: {"script-died", 0, "the program was killed by a signal, so its answer is not complete", "RFC 9112 §8",
		"see the error log for the signal; limits on memory and processor time end programs, too"},
	ScriptOutputTooLarge & 0xff: {"script-output-too-large", 0, "the program printed more than it may, so it was ended and the client cut", "RFC 9112 §8",
		"have the program print less, or raise the limit on its output"},
	ScriptIncomplete & 0xff: {"script-incomplete", 0, "the program printed less than its Content-Length says, so the client was cut", "RFC 9112 §8",
		"have the program print no Content-Length, or the right one"},
	ScriptStopped & 0xff: {"script-stopped", 503, "the program was stopped, by an operator or because the server ends", "RFC 9110 §15.6.4",
		"try again later"},
	ScriptClientGone & 0xff: {"script-client-gone", 499, "the client went away before the program had answered, so it was ended", "RFC 3875 §3.4",
		"wait for the answer"},

	// FastCGI.
	FastcgiUnreachable & 0xff: {"fastcgi-unreachable", 502, "the FastCGI backend cannot be reached", "RFC 9110 §15.6.3",
		"check that it runs, its address, and who may connect to its socket"},
	FastcgiConnectTimeout & 0xff: {"fastcgi-connect-timeout", 504, "the FastCGI backend did not take the connection in time", "RFC 9110 §15.6.5",
		"check the network and the backend's load, or raise the limit on connecting"},
	FastcgiTerminated & 0xff: {"fastcgi-terminated", 502, "the FastCGI backend closed the connection before its answer was complete", "RFC 9110 §15.6.3",
		"see the backend's own log"},
	FastcgiProtocol & 0xff: {"fastcgi-protocol", 502, "the backend does not speak FastCGI, or not well", "RFC 9110 §15.6.3",
		"check that the address is that of a FastCGI backend, and not of HTTP"},
	FastcgiOverloaded & 0xff: {"fastcgi-overloaded", 503, "the FastCGI backend says that it takes no more requests", "RFC 9110 §15.6.4",
		"try again later, or give the backend more workers"},
	FastcgiRole & 0xff: {"fastcgi-role", 502, "the FastCGI backend does not have the role that it was asked for", "RFC 9110 §15.6.3",
		"point the route at a backend with that role"},
	FastcgiDenied & 0xff: {"fastcgi-denied", 0, "the authorizer did not let the request pass", "RFC 9110 §15.5.4", ""},
	SendfileRefused & 0xff: {"sendfile-refused", 502, "the answer names a file to be sent that is not in a folder it may be from", "",
		"add its folder to those that files may be sent from"},
	WorkersNone & 0xff: {"workers-none", 503, "no worker of the FastCGI backend is running; they ended at once, and wait to be started again", "RFC 9110 §15.6.4",
		"see the error log for what the workers said"},
}
