package config

// folderFlags say what of a folder is served.
var folderFlags = []Flag{
	{Name: "memory", Kind: Size, Value: "SIZE", Default: "256MiB", Min: mib, Group: groupFiles,
		Doc:   "Memory for files and their compressed forms. Beyond it the files that were not asked for lately are dropped from memory.",
		field: func(s *sections) any { return &s.files.Memory }},
	{Name: "coherence", Kind: Duration, Value: "TIME", Default: "0", Max: day, Group: groupFiles,
		Doc:   "How long a file in memory is taken for unchanged. 0: its state is looked up for each request, so that an edit shows in the next one. On a network file system an edit shows as soon as its attribute cache tells of it.",
		field: func(s *sections) any { return &s.files.Coherence }},
	{Name: "index", Kind: FileName, Value: "NAME", Default: "index.html", Repeat: true, Group: groupFiles,
		Doc:   "File that answers for its folder; the first that exists.",
		field: func(s *sections) any { return &s.files.Index }},
	{Name: "listing", Kind: OnOff, Value: "on|off", Default: "on", Group: groupFiles,
		Doc:   "List folders that have no index file.",
		field: func(s *sections) any { return &s.files.Listing }},
	{Name: "spa", Kind: PathInside, Value: "FILE", Group: groupFiles, Example: "index.html",
		Doc:   "Page that answers for pages that do not exist, as applications with their own routing need it. Never for a missing script, style or image.",
		field: func(s *sections) any { return &s.files.SPA }},
	{Name: "clean-urls", Kind: Switch, Group: groupFiles,
		Doc:   "Serve about.html as /about.",
		field: func(s *sections) any { return &s.files.CleanURLs }},
	{Name: "hidden", Kind: Switch, Group: groupFiles,
		Doc:   "Serve and list dotfiles, editor backups, key files and folders of version control systems too.",
		field: func(s *sections) any { return &s.files.Hidden }},
	{Name: "follow-symlinks", Kind: Switch, Group: groupFiles,
		Doc:   "Follow symbolic links that lead out of the folder.",
		field: func(s *sections) any { return &s.files.FollowSymlinks }},
}

// contentFlags say how its files are sent.
var contentFlags = []Flag{
	{Name: "cache", Kind: CachePolicy, Value: "POLICY", Default: "no-cache", Min: second, Max: 365 * day, Group: groupAnswers,
		Doc:   "What caches are told. no-cache: check before each use. auto: names with a hash in them are kept for a year, pages are checked, the rest is kept for a short time. A duration: keep for that time. off: nothing.",
		field: func(s *sections) any { return &s.files.Cache }},
	{Name: "compress", Kind: OnOff, Value: "on|off", Default: "on", Group: groupAnswers,
		Doc:   "Send gzip, br or zstd to clients that take them. Made once in the background, or taken from files beside the original (.gz, .br, .zst).",
		field: func(s *sections) any { return &s.files.Compress }},
	{Name: "mime", Kind: MIMEType, Value: ".x=type/y", Repeat: true, Group: groupAnswers, Example: ".gmi=text/gemini",
		Doc:   "Media type of files with the extension .x.",
		field: func(s *sections) any { return &s.files.MIME }},
}

// serveDataFlags are of freshet serve alone.
var serveDataFlags = []Flag{
	{Name: "data", Kind: FilePath, Value: "DIR", Group: groupFiles, Example: "/var/lib/freshet",
		Doc:   "Folder for what the server stores: the figures of the monitor, of the last 7 days, and the socket for commands. Unset: the figures begin anew with each start.",
		field: func(s *sections) any { return &s.serve.Data }},
}
