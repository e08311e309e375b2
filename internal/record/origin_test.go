package record_test

import (
	"testing"

	"freshet/internal/record"
	"freshet/internal/rule"
)

// What counts against an origin is what it did, or did not do.
func TestOfOrigin(t *testing.T) {
	for _, c := range []struct {
		status        int
		rule          rule.ID
		asked, failed bool
	}{
		{200, rule.ProxyAnswered, true, false},
		{404, rule.ProxyAnswered, true, false},
		{500, rule.ProxyAnswered, true, true},
		{503, rule.ProxyClientGone, true, true},
		{200, rule.ProxyClientGone, true, false},
		{200, rule.ProxyIncomplete, true, true},
		{200, rule.ProxyBodyTimeout, true, true},
		{0, rule.ProxyRefused, true, true},
		{0, rule.ProxyHeadTimeout, true, true},
		{0, rule.ProxyProtocol, true, true},
		{0, rule.FastcgiUnreachable, true, true},
		{0, rule.ProxyClientGone, false, false},
		{0, rule.BodyIncomplete, false, false},
		{0, rule.BodyTooLarge, false, false},
		{0, rule.BodyTimeout, false, false},
		{0, rule.ProxyBusy, false, false},
		{0, rule.ProxyUnsent, false, false},
		{0, rule.FilterDestination, false, false},
		{0, rule.ScriptClientGone, false, false},
		{0, rule.ScriptQueueFull, false, false},
	} {
		r := &record.Record{Rule: c.rule, Detail: &record.Detail{Origin: "http://a", OriginStatus: c.status}}
		if asked, failed := r.OfOrigin(); asked != c.asked || failed != c.failed {
			t.Errorf("%d, %s: asked %v, failed %v", c.status, rule.Of(c.rule).Name, asked, failed)
		}
	}
	for _, r := range []record.Record{{}, {Detail: &record.Detail{OriginStatus: 500}}} {
		if asked, failed := r.OfOrigin(); asked || failed {
			t.Errorf("%+v was asked", r)
		}
	}
}
