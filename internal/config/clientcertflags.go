package config

// Clients says which certificates clients have to have.
type Clients struct {
	CA   string // a file of authorities; "" for none
	CRL  string // a file of what they have revoked; "" for none
	Ask  string // "require" or "optional"; "" and "off" for neither
	User string // which name of a certificate is the user's; "off" for none
}

const (
	clientCA = "Clients prove by a certificate who they are, and these are the authorities that vouch for them, PEM; for nobody else. Over TLS only. Read again when the file changes. " +
		"Who may not pass gets 403, with what is missing; the handshake asks, and refuses nobody."
	clientCRL = "What these authorities have revoked: their lists (CRLs), PEM or DER, one of each that vouches for a client. When it is missing or too old, nobody whom it is about may pass. Read again when the file changes."
	clientAsk = "Whether clients need a certificate. require: who has no good certificate may not pass. optional: who shows none may; who shows a bad one may not. off: nobody is asked. Unset: require, if there is a client-ca."
	clientID  = "Which name of the certificate is that of the user, for programs (REMOTE_USER) and origins (Remote-User): its subject, its common name, or its first e-mail address. Who has none may not pass. off: none is told."
)

var (
	clientAsks  = []string{"require", "optional", "off"}
	clientNames = []string{"subject", "common-name", "email", "off"}
)

// clientRows are the rows, of a command, a site or a route; at is where they
// are put.
func clientRows(group string, docs [4]string, at func(*sections) *Clients) []Flag {
	return []Flag{
		{Name: "client-ca", Kind: FilePath, Value: "FILE", Group: group, Example: "clients-ca.pem",
			Doc: docs[0], field: func(s *sections) any { return &at(s).CA }},
		{Name: "client-crl", Kind: FilePath, Value: "FILE", Group: group, Example: "clients-ca.crl",
			Doc: docs[1], field: func(s *sections) any { return &at(s).CRL }},
		{Name: "client-certificate", Kind: Choice, Value: "WHEN", Choices: clientAsks, Group: group, Example: "require",
			Doc: docs[2], field: func(s *sections) any { return &at(s).Ask }},
		{Name: "client-user", Kind: Choice, Value: "NAME", Choices: clientNames, Group: group, Example: "common-name",
			Doc: docs[3], field: func(s *sections) any { return &at(s).User }},
	}
}

const asSite = "As in [[site]], for this route alone. Unset: as the site says."

var (
	clientCertFlags = clientRows(groupGuards, [4]string{clientCA, clientCRL, clientAsk, clientID + " Unset: off."},
		func(s *sections) *Clients { return &s.guards.Clients })
	siteClientRows = clientRows(groupSite, [4]string{clientCA + " A connection that was made for a host whose site asks for others gets 421.", clientCRL, clientAsk, clientID + " Unset: off."},
		func(s *sections) *Clients { return &s.site.Clients })
	routeClientRows = clientRows(groupRoute, [4]string{asSite, asSite + " It goes with client-ca: a route with its own has its own, or none.", asSite, asSite},
		func(s *sections) *Clients { return &s.route.Clients })
)

// inherit completes what a route does not say by what its site says.
func (c *Clients) inherit(site *Clients) {
	if c.Ask == "" && (c.CA == "" || site.Ask != "off") { // who names authorities wants them asked for
		c.Ask = site.Ask
	}
	if c.CA == "" {
		c.CA = site.CA
		if c.CRL == "" {
			c.CRL = site.CRL
		}
	}
	if c.User == "" {
		c.User = site.User
	}
	c.complete()
}

// complete fills in what follows from the rest.
func (c *Clients) complete() {
	if c.Ask == "" && c.CA != "" {
		c.Ask = "require"
	}
	if c.Ask == "off" {
		c.Ask = ""
	}
}

// fault says what is wrong, "" for nothing; label is how a row is called.
func (c *Clients) fault(label func(string) string, listens bool) (row, text string) {
	ca := label("client-ca")
	switch {
	case c.CA == "" && c.Ask != "":
		return "client-certificate", label("client-certificate") + " needs the authorities of clients; give " + ca + " FILE"
	case c.CA == "" && c.CRL != "":
		return "client-crl", label("client-crl") + " is used with " + ca + " FILE only; give both"
	case c.Ask != "" && !listens:
		return "client-ca", ca + " is used over TLS only; give " + label("tls-listen")
	}
	return "", ""
}

// checkClients is for a command line.
func (p *parser) checkClients(g *Guards, c *Server) {
	g.Clients.complete()
	if row, text := g.Clients.fault(p.label, len(c.TLSListen) > 0); row != "" {
		p.faultAbout(row, "%s", text)
	}
	p.checkHTTPS(&c.HTTPS, len(c.TLSListen) > 0, p.has("hsts"))
}

// checkClients is for the routes of a file, which have inherited.
func (d *decoder) checkClients(f *File, sites []*node) {
	key := func(name string) string { return name }
	for i := range f.Sites {
		if f.Sites[i].HTTPS.Only && len(f.Server.TLSListen) == 0 {
			d.fault(sites[i].get("https-only").name, "https-only needs a listener for TLS; give tls-listen in [server]")
		}
		var nodes []*node
		if all := sites[i].get("route"); all != nil {
			nodes = all.list
		}
		for j := range f.Sites[i].Routes {
			row, text := f.Sites[i].Routes[j].Clients.fault(key, len(f.Server.TLSListen) > 0)
			if row == "" || j >= len(nodes) {
				continue
			}
			at := nodes[j].name
			for _, n := range []*node{nodes[j], sites[i]} {
				if said := n.get(row); said != nil {
					at = said.name
					break
				}
			}
			d.fault(at, "%s", text)
		}
	}
}
