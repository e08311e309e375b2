// Package cookierule says what becomes of a cookie: whether it passes, is taken
// out, or lives shorter than its server asked for; and it makes the lines of
// Cookie and Set-Cookie that follow from that.
//
//	rules, err := cookierule.Compile(cookierule.Rules{Policy: cookierule.NoThirdParty, Life: 30 * 24 * time.Hour})
//	…
//	c := cookierule.ParseSet(line)
//	d := rules.Decide(&cookierule.Case{Host: "ads.example", ThirdParty: true, Name: c.Name})
//	line, passes := c.Apply(d, now)
//
// A decision is a value: what becomes of the cookie, the reason, the rule that
// decided, and what would have become of it without that rule.
//
// Cookies are read as browsers read them (RFC 6265bis §5.6), not as servers
// should write them. The package is no store of cookies, and it never looks at
// what is in one.
//
// # Invariants
//
//   - A line of which nothing is taken is the same bytes. One that passes only
//     because it deletes a cookie may have Max-Age=0 added.
//   - What is left of a line is the same bytes, in the same order; attributes
//     that nobody knows stay, and so do the rules of __Host- and __Secure-, which
//     are about attributes that are never touched.
//   - No cookie lives longer than it did, and none that was to be deleted comes
//     back.
package cookierule
