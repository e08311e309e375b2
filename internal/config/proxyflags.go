package config

// originFlags say where requests are passed on to.
var originFlags = []Flag{
	{Name: "to", Key: "proxy", Kind: OriginURL, Value: "URL", Repeat: true, Group: groupOrigins, Example: "http://127.0.0.1:3000",
		Doc:   "An origin: http://host:port, https://host or unix:/path. A path in the URL is put before that of each request.",
		field: func(s *sections) any { return &s.origins.To }},
	{Name: "balance", Kind: Choice, Value: "WAY", Default: "round-robin", Choices: []string{"round-robin", "least-connections", "hash", "hash-url"}, Group: groupOrigins,
		Doc:   "How one of several origins is chosen: round-robin, least-connections, hash (of the client's address) or hash-url.",
		field: func(s *sections) any { return &s.origins.Balance }},
	{Name: "host", Kind: OriginHost, Value: "origin|client|NAME", Default: "origin", Group: groupOrigins,
		Doc:   "The Host field that an origin gets: that of its URL, that which the client sent, or NAME.",
		field: func(s *sections) any { return &s.origins.Host }},
	{Name: "trust", Kind: Prefix, Value: "PREFIX", Repeat: true, Group: groupOrigins, Example: "10.0.0.0/8",
		Doc:   "Addresses of proxies in front whose Forwarded and X-Forwarded fields are believed. Those of others are replaced.",
		field: func(s *sections) any { return &s.origins.Trust }},
	{Name: "max-fails", Kind: Number, Value: "N", Default: "3", Min: 1, Max: 1000, Unit: "failures", Off: true, Group: groupOrigins,
		Doc:   "Failures in a row after which an origin is left alone for --fail-timeout. Then one request tries it.",
		field: func(s *sections) any { return &s.origins.MaxFails }},
}

// originTimeFlags bound how long origins may take.
var originTimeFlags = []Flag{
	{Name: "fail-timeout", Kind: Duration, Value: "TIME", Default: "10s", Min: second / 10, Max: day, Group: groupOrigins,
		Doc:   "How long an origin that failed is left alone.",
		field: func(s *sections) any { return &s.origins.FailTimeout }},
	{Name: "connect-timeout", Kind: Duration, Value: "TIME", Default: "5s", Min: second / 100, Max: day, Group: groupOrigins,
		Doc:   "Time to connect to an origin. Then: the next one, or 504.",
		field: func(s *sections) any { return &s.origins.ConnectTimeout }},
	{Name: "origin-head-timeout", Kind: Duration, Value: "TIME", Default: "60s", Min: second / 100, Max: day, Off: true, Group: groupOrigins,
		Doc:   "Time until the head of an origin's answer. Then: 504.",
		field: func(s *sections) any { return &s.origins.OriginHeadTimeout }},
	{Name: "origin-body-timeout", Kind: Duration, Value: "TIME", Default: "60s", Min: second / 100, Max: day, Off: true, Group: groupOrigins,
		Doc:   "Longest pause in the body of an origin's answer. Then the answer is cut.",
		field: func(s *sections) any { return &s.origins.OriginBodyTimeout }},
}

// cachingFlags are about the cache in front of origins.
var cachingFlags = []Flag{
	{Name: "cache", Kind: OnOff, Value: "on|off", Default: "on", Group: groupStore,
		Doc:   "Keep answers that may be kept, and answer from them.",
		field: func(s *sections) any { return &s.caching.Enabled }},
	{Name: "profile", Kind: Choice, Value: "NAME", Default: "safe", Choices: []string{"safe", "standard"}, Group: groupStore,
		Doc:   "What may be kept. standard: all that RFC 9111 allows. safe: less a short list, such as answers that set cookies.",
		field: func(s *sections) any { return &s.caching.Profile }},
	{Name: "max-object", Kind: Size, Value: "SIZE", Min: kib, Group: groupStore, Example: "100MiB",
		Doc:   "Largest answer that is kept. Larger ones pass through. Unset: 1GiB with --data, else a sixteenth of --memory and at most 1MiB.",
		field: func(s *sections) any { return &s.caching.MaxObject }},
	{Name: "key-drop", Kind: Text, Value: "PARAM", Repeat: true, Group: groupStore, Example: "utm_source",
		Doc:   "Parameter of the query that makes no difference to the answer, such as utm_source; a * at the end stands for any rest.",
		field: func(s *sections) any { return &s.caching.KeyDrop }},
	{Name: "key-keep", Kind: Text, Value: "PARAM", Repeat: true, Group: groupStore, Example: "page",
		Doc:   "Parameter of the query that makes a difference; those that are not named make none.",
		field: func(s *sections) any { return &s.caching.KeyKeep }},
	{Name: "key-sort", Kind: Switch, Group: groupStore,
		Doc:   "The order of the query's parameters makes no difference.",
		field: func(s *sections) any { return &s.caching.KeySort }},
	{Name: "key-header", Kind: FieldName, Value: "NAME", Repeat: true, Group: groupStore, Example: "Accept-Language",
		Doc:   "Field of the request whose value is part of the key under which an answer is kept.",
		field: func(s *sections) any { return &s.caching.KeyHeader }},
	{Name: "early-hints", Kind: Switch, Group: groupStore,
		Doc:   "While an origin is asked, send the Link fields of its last answer (103), so that browsers fetch ahead.",
		field: func(s *sections) any { return &s.caching.EarlyHints }},
	{Name: "cache-status", Kind: OnOff, Value: "on|off", Default: "on", Group: groupStore,
		Doc:   "Send Cache-Status (RFC 9211), which says what the cache did.",
		field: func(s *sections) any { return &s.caching.CacheStatus }},
}

// storeFlags say where answers are kept.
var storeFlags = []Flag{
	{Name: "memory", Kind: Size, Value: "SIZE", Default: "256MiB", Min: mib, Group: groupStore, Restart: true,
		Doc:   "Memory for the answers that caches keep. Beyond it those that are worth least make room.",
		field: func(s *sections) any { return &s.store.Memory }},
	{Name: "data", Kind: FilePath, Value: "DIR", Group: groupStore, Example: "/var/lib/freshet", Restart: true,
		Doc:   "Folder for answers on disk. Unset: they are kept in memory alone.",
		field: func(s *sections) any { return &s.store.Data }},
	{Name: "disk", Kind: Size, Value: "SIZE", Default: "10GiB", Min: mib, Group: groupStore, Restart: true,
		Doc:   "Space for answers on disk.",
		field: func(s *sections) any { return &s.store.Disk }},
}
