package config

import (
	"time"

	"freshet/signature"
)

// Signatures says which signatures requests have to have (RFC 9421).
type Signatures struct {
	Keys       string        // a file or a folder of keys; "" and "off" for none
	Components []string      // that have to be covered; none: the default
	MaxAge     time.Duration // 0: the default
	Label      string        // of the signature that is looked at; "": any
	Tag        string        // likewise
	Algorithms []string      // which may be used; none: any
	MaxBody    int64         // 0: the default
	Replays    int64         // how many are remembered; 0: the default, negative: none
}

// signatureDocs are the sentences of the rows.
var signatureDocs = [...]string{
	"Answer signed requests only (HTTP message signatures, RFC 9421), and take the name of the key for that of the user. FILE has a line for each key: its name, which signatures give as keyid, its algorithm (ed25519, ecdsa-p256-sha256, ecdsa-p384-sha384, rsa-pss-sha512, rsa-v1_5-sha256 or hmac-sha256), and the file of its public key, PEM; of hmac-sha256 the secret itself, of 32 bytes at least, in base64url or hexadecimal, and then nobody else may be able to read FILE. A folder has a public key NAME.pem for each name. Read again when something of it changes. " +
		"Without a good signature: 401, with what is asked for in Accept-Signature.",
	"Component that a signature has to cover, such as @authority, content-type or \"@query-param\";name=\"id\". Unset: @method, and @target-uri or else @authority with @request-target or with @path and @query. content-digest has to be covered whenever there is a body.",
	"How long after it was made a signature is good. Unset: 5m, and 30 seconds more for clocks that differ. One that says when it expires is good until then at most.",
	"Look at the signature of this label only. Unset: at all of a request, up to 8, until one is right.",
	"Look at signatures with this tag only. Unset: at all.",
	"Algorithm that may be used. Unset: the one that each key is for.",
	"Body of a signed request. It is read, and compared with what was signed, before anybody acts upon it: up to 64 KiB in memory, then in a file. Beyond it: 413. Unset: 16MiB.",
	"Signatures that are remembered, in memory, for as long as they are good: each one, or its nonce, is good once. What was signed before the server was started is refused. When there are so many: 503. off: a signature may be used again while it is good. Unset: 262144, some 30 MB.",
}

const asItsSite = "As in [[site]], for this route alone. Unset: as the site says."

// signatureRows are the rows, of a command, a site or a route; at is where they
// are put. Docs that are missing are those of the site.
func signatureRows(group, value string, at func(*sections) *Signatures) []Flag {
	doc := func(i int) string {
		switch {
		case group != groupRoute:
			return signatureDocs[i]
		case i == 0:
			return asItsSite + " off: whoever asks may pass without a signature. With keys of its own a route has all that follows of its own."
		}
		return asItsSite
	}
	return []Flag{
		{Name: "signatures", Kind: FilePath, Value: value, Group: group, Example: "signers.keys",
			Doc: doc(0), field: func(s *sections) any { return &at(s).Keys }},
		{Name: "signature-components", Kind: Component, Value: "COMPONENT", Repeat: true, Group: group, Example: "@authority",
			Doc: doc(1), field: func(s *sections) any { return &at(s).Components }},
		{Name: "signature-max-age", Kind: Duration, Value: "TIME", Min: second, Max: day, Group: group, Example: "5m",
			Doc: doc(2), field: func(s *sections) any { return &at(s).MaxAge }},
		{Name: "signature-label", Kind: Text, Value: "LABEL", Group: group, Example: "sig1",
			Doc: doc(3), field: func(s *sections) any { return &at(s).Label }},
		{Name: "signature-tag", Kind: Text, Value: "TAG", Group: group, Example: "orders",
			Doc: doc(4), field: func(s *sections) any { return &at(s).Tag }},
		{Name: "signature-algorithms", Kind: Choice, Value: "NAME", Repeat: true, Group: group, Example: "ed25519", Choices: signatureAlgorithms,
			Doc: doc(5), field: func(s *sections) any { return &at(s).Algorithms }},
		{Name: "signature-max-body", Kind: Size, Value: "SIZE", Min: 1, Max: 1 << 40, Group: group, Example: "16MiB",
			Doc: doc(6), field: func(s *sections) any { return &at(s).MaxBody }},
		{Name: "signature-replays", Kind: Number, Value: "N", Min: 1, Max: 1 << 26, Unit: "signatures", Off: true, Group: group, Example: "262144",
			Doc: doc(7), field: func(s *sections) any { return &at(s).Replays }},
	}
}

var signatureAlgorithms = []string{
	signature.Ed25519.String(), signature.ECDSAP256.String(), signature.ECDSAP384.String(),
	signature.RSAPSS.String(), signature.RSAv15.String(), signature.HMAC.String(),
}

var (
	signatureFlags     = signatureRows(groupGuards, "FILE", func(s *sections) *Signatures { return &s.guards.Signatures })
	siteSignatureRows  = signatureRows(groupSite, "FILE|off", func(s *sections) *Signatures { return &s.site.Signatures })
	routeSignatureRows = signatureRows(groupRoute, "FILE|off", func(s *sections) *Signatures { return &s.route.Signatures })
)

// inherit completes what a route does not say by what its site says.
func (c *Signatures) inherit(site *Signatures) {
	switch {
	case c.Keys == "":
		keys := *c
		*c = *site
		keys.over(c)
	case c.Keys == "off":
		*c = Signatures{}
	}
	if c.Keys == "off" {
		*c = Signatures{}
	}
}

// over puts what c says in the place of what is there.
func (c *Signatures) over(to *Signatures) {
	if len(c.Components) > 0 {
		to.Components = c.Components
	}
	if c.MaxAge != 0 {
		to.MaxAge = c.MaxAge
	}
	if c.Label != "" {
		to.Label = c.Label
	}
	if c.Tag != "" {
		to.Tag = c.Tag
	}
	if len(c.Algorithms) > 0 {
		to.Algorithms = c.Algorithms
	}
	if c.MaxBody != 0 {
		to.MaxBody = c.MaxBody
	}
	if c.Replays != 0 {
		to.Replays = c.Replays
	}
}

func (c *Signatures) none() bool { return c.Keys == "" || c.Keys == "off" }
