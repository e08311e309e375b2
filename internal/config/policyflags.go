package config

import "time"

// Policies are what a forward proxy is told about cookies, and about fields that
// tell about the user.
type Policies struct {
	Cookies     string
	CookieLife  time.Duration // 0: no bound
	CookieRules []string      // [NAME@]HOST=POLICY
	Referrer    string
	GPC         bool
	UserAgent   string // "keep", or the text
	ClientHints string
}

const groupPolicies = "Cookies, and what tells about the user"

// policyRows say what becomes of them.
var policyRows = []Flag{
	{Name: "cookies", Kind: Choice, Value: "POLICY", Default: "no-third-party", Choices: []string{"no-third-party", "allow", "session", "refuse", "learn"}, Group: groupPolicies,
		Doc: "What becomes of cookies. no-third-party: a site has its cookies on its own pages alone, with or without Partitioned. allow: all pass. " +
			"session: all pass, and live until the browser ends. refuse: none passes. learn: all pass, and the monitor shows what no-third-party would have done.",
		field: func(s *sections) any { return &s.forward.Cookies }},
	{Name: "cookie-life", Kind: Duration, Value: "TIME", Min: minute, Max: 400 * day, Group: groupPolicies, Example: "30d",
		Doc:   "Longest life of cookies that pass: Max-Age and Expires of longer ones are put there. Unset: what servers ask for.",
		field: func(s *sections) any { return &s.forward.CookieLife }},
	{Name: "cookie", Kind: Text, Value: "[NAME@]HOST=POLICY", Repeat: true, Group: groupPolicies, Example: "widget.example=allow",
		Doc: "Policy for the cookies of a host and all below it, or for those of a name: login.example=allow, _ga*@*=refuse. \"*\" is every host, and may end a name. " +
			"One with a name goes before one without, then the longest host decides. What is chosen for a site on the monitor's page goes before all, and is kept in --data.",
		field: func(s *sections) any { return &s.forward.CookieRules }},
	{Name: "referrer", Kind: Choice, Value: "POLICY", Default: "trim", Choices: []string{"trim", "origin", "same-origin", "none", "keep"}, Group: groupPolicies,
		Doc: "What becomes of Referer. trim: servers of other sites get the scheme and the host of the page, http servers nothing of an https page. origin: all get no more than that. " +
			"same-origin: only the server of the page gets it. none: nobody does; some servers refuse forms then. keep: it stays.",
		field: func(s *sections) any { return &s.forward.Referrer }},
	{Name: "gpc", Kind: OnOff, Value: "WHEN", Default: "on", Group: groupPolicies,
		Doc:   "Send Sec-GPC: 1, by which users ask that what is known of them is not sold or shared. off: what the client sends.",
		field: func(s *sections) any { return &s.forward.GPC }},
	{Name: "user-agent", Kind: FieldText, Value: "TEXT", Default: "keep", Group: groupPolicies,
		Doc:   "What User-Agent says; client hints that would give it the lie are taken away. keep: what the client says.",
		field: func(s *sections) any { return &s.forward.UserAgent }},
	{Name: "client-hints", Kind: Choice, Value: "POLICY", Default: "drop-high-entropy", Choices: []string{"drop-high-entropy", "drop", "keep"}, Group: groupPolicies,
		Doc:   "What becomes of fields that describe the browser and the machine. drop-high-entropy: those go that few users share, such as the device's model. drop: all go. keep: all stay.",
		field: func(s *sections) any { return &s.forward.ClientHints }},
}
