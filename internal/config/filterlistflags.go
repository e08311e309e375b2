package config

import "time"

// Listing is what a forward proxy is told about lists.
type Listing struct {
	Lists       []string // [NAME=]FILE or [NAME=]URL
	ListRefresh time.Duration
	Hide        string // "all", "specific" or "off"
}

// listRows say what is blocked, and what is hidden.
var listRows = []Flag{
	{Name: "list", Kind: Text, Value: "[NAME=]FILE|URL", Repeat: true, Group: groupLists, Example: "mine=rules.txt",
		Doc:   "List of what is blocked, replaced or hidden, in the language of Adblock Plus, uBlock Origin and AdGuard, or a hosts file, or a list of domains. NAME is what the list is called; unset: the last part of its address. A file is followed; an address is asked again when the list says so, and what it gave is kept in lists/ of --data. A list has 64 MiB at most.",
		field: func(s *sections) any { return &s.forward.Lists }},
	{Name: "list-refresh", Kind: Duration, Value: "TIME", Default: "24h", Min: 60 * minute, Max: 14 * day, Group: groupLists,
		Doc:   "Time after which an address of a list is asked again, if the list does not say so itself (Expires). What it says counts from 1h to 14d.",
		field: func(s *sections) any { return &s.forward.ListRefresh }},
	{Name: "hide", Kind: Choice, Value: "WHAT", Default: "all", Choices: []string{"all", "specific", "off"}, Group: groupLists,
		Doc:   "What a style sheet in documents hides: all that lists name, or only what they name for the site, which keeps pages smaller, or nothing; then documents stay as they are.",
		field: func(s *sections) any { return &s.forward.Hide }},
}
