package config

const (
	groupGetRequest  = "Request"
	groupGetBody     = "Body of the request"
	groupGetOutput   = "Where answers go"
	groupGetCache    = "Cache of the user"
	groupGetRedirect = "Redirects, retries, errors"
	groupGetLogin    = "Logins and cookies"
	groupGetWay      = "Connections"
	groupGetTLS      = "TLS"
	groupGetTell     = "What is told"
)

// getRequestRows say what is asked for.
var getRequestRows = []Flag{
	{Name: "url", Kind: Text, Value: "URL", Repeat: true, Group: groupGetRequest, Example: "https://example.org/",
		Doc:   "A URL to fetch, as an operand is. Without a scheme it is http. It is taken literally: braces and brackets stand for themselves.",
		field: func(s *sections) any { return &s.get.list }},
	{Name: "config", Short: "K", Kind: FilePath, Value: "FILE", Repeat: true, Group: groupGetRequest, Example: "get.conf",
		Doc:   "Read further flags from a file, one a line, with URLs as url = URL; - is standard input.",
		field: func(s *sections) any { return &s.get.list }},
	{Name: "path-as-is", Kind: Switch, Group: groupGetRequest,
		Doc:   "Leave /../ and /./ in the path of a URL.",
		field: func(s *sections) any { return &s.get.AsIs }},
	{Name: "globoff", Short: "g", Kind: Switch, Group: groupGetRequest,
		Doc:   "Take URLs literally. That is so anyway.",
		field: func(s *sections) any { return &getIgnored }},
	{Name: "request", Short: "X", Kind: Text, Value: "METHOD", Group: groupGetRequest, Example: "DELETE",
		Doc:   "The method. Unset: GET, POST with a body, PUT with --upload-file, HEAD with --head.",
		field: func(s *sections) any { return &s.get.Method }},
	{Name: "head", Short: "I", Kind: Switch, Group: groupGetRequest,
		Doc:   "Ask for the head of the answer only (HEAD), and write it.",
		field: func(s *sections) any { return &s.get.Head }},
	{Name: "header", Short: "H", Kind: FreeText, Value: "'NAME: VALUE'", Repeat: true, Group: groupGetRequest, Example: "Accept-Language: de",
		Doc:   "A field of the request. 'Name:' leaves out one that would be sent, 'Name;' sends it empty, @FILE reads fields, one a line.",
		field: func(s *sections) any { return &s.get.Headers }},
	{Name: "user-agent", Short: "A", Kind: FreeText, Value: "TEXT", Group: groupGetRequest, Example: "test/1",
		Doc:   "What User-Agent says. Unset: freshet.",
		field: func(s *sections) any { return &s.get.Agent }},
	{Name: "referer", Short: "e", Kind: FreeText, Value: "URL", Group: groupGetRequest, Example: "https://example.org/",
		Doc:   "What Referer says. With ;auto at its end, redirects set it to the URL that they come from.",
		field: func(s *sections) any { return &s.get.Referer }},
	{Name: "range", Short: "r", Kind: Text, Value: "RANGE", Group: groupGetRequest, Example: "0-499",
		Doc:   "The part of the content to ask for, in bytes: 0-499, 500-, or -500 for the last.",
		field: func(s *sections) any { return &s.get.Range }},
	{Name: "time-cond", Short: "z", Kind: Text, Value: "TIME", Group: groupGetRequest, Example: "2026-01-02",
		Doc:   "Fetch only what was modified after this time, or after that of the file of this name; with - in front, only what was not.",
		field: func(s *sections) any { return &s.get.If }},
	{Name: "compressed", Kind: Switch, Group: groupGetRequest,
		Doc:   "Ask for an answer that is compressed (gzip, br, zstd), and undo that. Without it none is asked for, and nothing is undone.",
		field: func(s *sections) any { return &s.get.Decode }},
}

// getBodyRows say what the body of the request is.
var getBodyRows = []Flag{
	{Name: "data", Short: "d", Kind: FreeText, Value: "DATA", Repeat: true, Group: groupGetBody, Example: "a=1",
		Doc:   "A body as forms send it (application/x-www-form-urlencoded), by POST. @FILE reads it, without ends of lines; @- is standard input. Several are joined by &.",
		field: func(s *sections) any { return &s.get.list }},
	{Name: "data-ascii", Kind: FreeText, Value: "DATA", Repeat: true, Group: groupGetBody, Example: "a=1",
		Doc:   "The same as --data.",
		field: func(s *sections) any { return &s.get.list }},
	{Name: "data-raw", Kind: FreeText, Value: "DATA", Repeat: true, Group: groupGetBody, Example: "@a",
		Doc:   "As --data, but @ means nothing.",
		field: func(s *sections) any { return &s.get.list }},
	{Name: "data-binary", Kind: FreeText, Value: "DATA", Repeat: true, Group: groupGetBody, Example: "@body.bin",
		Doc:   "As --data, but files are sent as they are.",
		field: func(s *sections) any { return &s.get.list }},
	{Name: "data-urlencode", Kind: FreeText, Value: "DATA", Repeat: true, Group: groupGetBody, Example: "name=a b",
		Doc:   "As --data, percent-encoded: TEXT, =TEXT, NAME=TEXT, @FILE or NAME@FILE; names stay as they are.",
		field: func(s *sections) any { return &s.get.list }},
	{Name: "json", Kind: FreeText, Value: "DATA", Repeat: true, Group: groupGetBody, Example: `{"a":1}`,
		Doc:   "As --data-binary, joined by nothing, and sent as application/json, which is accepted, too.",
		field: func(s *sections) any { return &s.get.list }},
	{Name: "get", Short: "G", Kind: Switch, Group: groupGetBody,
		Doc:   "Put what --data says into the query of the URL, and send no body.",
		field: func(s *sections) any { return &s.get.Query }},
	{Name: "form", Short: "F", Kind: FreeText, Value: "'NAME=CONTENT'", Repeat: true, Group: groupGetBody, Example: "photo=@a.jpg;type=image/jpeg",
		Doc:   "A part of a form that is sent as multipart/form-data. Content @FILE is a file with its name, <FILE the content of one. ;type=, ;filename= and ;headers= may follow.",
		field: func(s *sections) any { return &s.get.list }},
	{Name: "form-string", Kind: FreeText, Value: "'NAME=TEXT'", Repeat: true, Group: groupGetBody, Example: "a=@b",
		Doc:   "As --form, but the text is taken literally.",
		field: func(s *sections) any { return &s.get.list }},
	{Name: "upload-file", Short: "T", Kind: FilePath, Value: "FILE", Group: groupGetBody, Example: "a.txt",
		Doc:   "Send this file (PUT); - is standard input. Its name is added to a URL that ends with a slash.",
		field: func(s *sections) any { return &s.get.Upload }},
}

// getOutputRows say where answers go.
var getOutputRows = []Flag{
	{Name: "output", Short: "o", Kind: FilePath, Value: "FILE", Repeat: true, Group: groupGetOutput, Example: "page.html",
		Doc:   "Write the answer to this file; - is standard output, for binary, too. The first is for the first URL, and so on.",
		field: func(s *sections) any { return &s.get.list }},
	{Name: "remote-name", Short: "O", Kind: Switch, Repeat: true, Group: groupGetOutput,
		Doc:   "Write the answer to a file that is called as the last part of the URL's path.",
		field: func(s *sections) any { return &getIgnored }},
	{Name: "remote-name-all", Kind: Switch, Group: groupGetOutput,
		Doc:   "The same, for all URLs that have no --output.",
		field: func(s *sections) any { return &s.get.RemoteAll }},
	{Name: "remote-header-name", Short: "J", Kind: Switch, Group: groupGetOutput,
		Doc:   "With --remote-name take the name that the answer has in Content-Disposition, if it has one. No file that exists is replaced then.",
		field: func(s *sections) any { return &s.get.FieldName }},
	{Name: "output-dir", Kind: FilePath, Value: "DIR", Group: groupGetOutput, Example: "downloads",
		Doc:   "The folder for files.",
		field: func(s *sections) any { return &s.get.OutputDir }},
	{Name: "create-dirs", Kind: Switch, Group: groupGetOutput,
		Doc:   "Make the folders that a file needs.",
		field: func(s *sections) any { return &s.get.CreateDirs }},
	{Name: "no-clobber", Kind: Switch, Group: groupGetOutput,
		Doc:   "Replace no file: a number is added to its name.",
		field: func(s *sections) any { return &s.get.NoClobber }},
	{Name: "remote-time", Short: "R", Kind: Switch, Group: groupGetOutput,
		Doc:   "Give the file the time that Last-Modified says.",
		field: func(s *sections) any { return &s.get.Keep }},
	{Name: "include", Short: "i", Kind: Switch, Group: groupGetOutput,
		Doc:   "Write the heads of answers in front of the body.",
		field: func(s *sections) any { return &s.get.Heads }},
	{Name: "dump-header", Short: "D", Kind: FilePath, Value: "FILE", Group: groupGetOutput, Example: "head.txt",
		Doc:   "Write the heads of answers to this file; - is standard output.",
		field: func(s *sections) any { return &s.get.HeadFile }},
	{Name: "continue-at", Short: "C", Kind: Text, Value: "OFFSET", Group: groupGetOutput, Example: "-",
		Doc:   "Go on with a file that was not finished: - for what there is, which is used only if the content is still the same; or a number of bytes.",
		field: func(s *sections) any { return &s.get.Continue }},
	{Name: "parallel-ranges", Kind: Number, Value: "N", Default: "1", Min: 1, Max: 16, Unit: "parts", Group: groupGetOutput,
		Doc:   "Fetch a file in so many parts at once, when the server allows parts, says how long it is and by what it is known again, and it is longer than 8 MiB.",
		field: func(s *sections) any { return &s.get.Parallel }},
	{Name: "max-filesize", Kind: Size, Value: "SIZE", Min: 1, Group: groupGetOutput, Example: "10MiB",
		Doc:   "Fetch no body that is longer. Exit status 63.",
		field: func(s *sections) any { return &s.get.MaxSize }},
	{Name: "limit-rate", Kind: Size, Value: "SIZE", Min: 1, Group: groupGetOutput, Example: "200k",
		Doc:   "Fetch and send no more bytes than this in a second, on average.",
		field: func(s *sections) any { return &s.get.Limit }},
	{Name: "sha256", Kind: Text, Value: "HEX", Group: groupGetOutput, Example: "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
		Doc:   "What the content has to be, by its SHA-256. When it is not, no file is put in place; exit status 110.",
		field: func(s *sections) any { return &s.get.SHA256 }},
	{Name: "digest", Kind: Switch, Group: groupGetOutput,
		Doc:   "Ask for a digest of the content (Want-Repr-Digest). One that comes is verified, even without this flag; exit status 110 when it does not fit.",
		field: func(s *sections) any { return &s.get.Digest }},
}

// getIgnored is where values go that are taken in their order only.
var getIgnored bool

// getCacheRows are about the user's cache.
var getCacheRows = []Flag{
	{Name: "cache", Kind: OnOff, Value: "on|off", Default: "on", Group: groupGetCache,
		Doc:   "Answer from the user's cache what is fresh there, and keep what may be kept. --no-cache is the same as off.",
		field: func(s *sections) any { return &s.get.Cache }},
	{Name: "cache-dir", Kind: FilePath, Value: "DIR", Group: groupGetCache, Example: "/tmp/cache",
		Doc:   "The folder of the cache. Unset: $XDG_CACHE_HOME/freshet, else ~/.cache/freshet.",
		field: func(s *sections) any { return &s.get.CacheDir }},
	{Name: "cache-size", Kind: Size, Value: "SIZE", Default: "1GiB", Min: mib, Group: groupGetCache,
		Doc:   "How large the cache may become. What was used least recently is let go.",
		field: func(s *sections) any { return &s.get.CacheSize }},
	{Name: "offline", Kind: Switch, Group: groupGetCache,
		Doc:   "Answer from the cache, even with what is stale, and send nothing. Exit status 111 when it is not there.",
		field: func(s *sections) any { return &s.get.Offline }},
	{Name: "refresh", Kind: Switch, Group: groupGetCache,
		Doc:   "Have what is stored confirmed by the server before it is used (Cache-Control: no-cache).",
		field: func(s *sections) any { return &s.get.Refresh }},
	{Name: "why", Kind: Switch, Group: groupGetCache,
		Doc:   "Say on standard error, after the body, where the answer came from and why, and what caches on the way said.",
		field: func(s *sections) any { return &s.get.Why }},
}
