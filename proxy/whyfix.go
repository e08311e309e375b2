package proxy

import (
	"freshet/internal/rule"
	"freshet/internal/why"
)

// fixes is the smallest change after which an origin's answer can be passed
// on; none where only its people can tell.
func fixes(id rule.ID, origin string) []why.Fix {
	without := func(name string) []why.Fix {
		return []why.Fix{{Who: why.Origin, Do: "remove", Name: name}}
	}
	switch id {
	case rule.ProxyRefused, rule.ProxyUnreachable:
		return []why.Fix{{Who: why.Origin, Do: "add", Name: why.Server, Value: origin}}
	case rule.ResponseLengthInvalid, rule.ResponseLengthDiffers, rule.ResponseLengthWithCoding:
		return without("Content-Length")
	case rule.ResponseCodingUnknown, rule.ResponseCodingInvalid, rule.ResponseCodingIn10:
		return without("Transfer-Encoding")
	}
	return nil
}
