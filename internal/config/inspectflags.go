package config

// Inspecting says for which hosts a forward proxy looks into https.
type Inspecting struct {
	Inspect     []string
	PassThrough []string
	Authority   string
}

const groupInspect = "Inspection of https"

// inspectRows say into which tunnels the forward proxy looks.
var inspectRows = []Flag{
	{Name: "inspect", Kind: Text, Value: "HOST", Repeat: true, Group: groupInspect, Example: ".example.com",
		Doc:   "Host whose https is filtered and cached like http: example.com, .example.com with all below it, or * for all names. It needs an authority that the browser trusts: freshet tls ca makes one, freshet tls trust says how it comes to be trusted. Banks, governments, health, updates and programs that know their server's certificate are left out unless they are named themselves. Unset: no https is looked into.",
		field: func(s *sections) any { return &s.forward.Inspect }},
	{Name: "pass-through", Kind: Text, Value: "HOST", Repeat: true, Group: groupInspect, Example: ".mybank.example",
		Doc:   "Host whose https is not looked into although --inspect covers it. The pattern that says most about a host decides.",
		field: func(s *sections) any { return &s.forward.PassThrough }},
	{Name: "authority", Kind: FilePath, Value: "DIR", Group: groupInspect, Example: "/var/lib/freshet/authority",
		Doc:   "The folder of the authority that signs certificates for hosts that are inspected. Unset: that of freshet tls.",
		field: func(s *sections) any { return &s.forward.Authority }},
}
