package config

// Guards say who may have what a command serves.
type Guards struct {
	SignedURLs string // a file of keys; "" lets everybody
	Access     Access
	Clients    Clients
	Signatures Signatures
}

const signedURLs = "Answer signed links only: addresses that were signed, by \"freshet sign\" or another program, with a key of this file, until the moment that stands in them. " +
	"Without a good signature: 403. A line of the file is the name of a key and its secret, of 16 bytes at least, in base64url or hexadecimal; the first signs, all verify. Nobody else may be able to read it. Read again when it changes."

// guardFlags are of the commands that serve one thing.
var guardFlags = []Flag{
	{Name: "signed-urls", Kind: FilePath, Value: "FILE", Group: groupGuards, Example: "links.keys",
		Doc:   signedURLs,
		field: func(s *sections) any { return &s.guards.SignedURLs }},
}

// siteGuardRows and routeGuardRows are the same in a file.
var (
	siteGuardRows = []Flag{
		{Name: "signed-urls", Kind: FilePath, Value: "FILE|off", Group: groupSite, Example: "links.keys",
			Doc:   signedURLs + " A route may have another file, or none.",
			field: func(s *sections) any { return &s.site.SignedURLs }},
	}
	routeGuardRows = []Flag{
		{Name: "signed-urls", Kind: FilePath, Value: "FILE|off", Group: groupRoute, Example: "links.keys",
			Doc:   "As in [[site]], for this route alone. off: everybody may have what the route has. Unset: as the site says.",
			field: func(s *sections) any { return &s.route.SignedURLs }},
	}
)

// inherit completes the guards of a site's routes: what one does not say, its
// site says.
func (s *Site) inherit() {
	for i := range s.Routes {
		r := &s.Routes[i]
		if r.SignedURLs == "" {
			r.SignedURLs = s.SignedURLs
		}
		if r.SignedURLs == "off" {
			r.SignedURLs = ""
		}
		r.Access.inherit(&s.Access)
		r.Clients.inherit(&s.Clients)
		r.Signatures.inherit(&s.Signatures)
	}
}

// None reports whether there is no guard.
func (g *Guards) None() bool {
	return g.SignedURLs == "" && g.Clients == (Clients{}) && g.Signatures.none()
}
