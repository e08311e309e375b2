package check

import (
	"testing"

	"freshet/internal/wire"
)

// Every structured field of the table says of which kind its members are, and
// the shapes are those of fields in the table.
func TestShapes(t *testing.T) {
	anyKind := map[string]bool{"Document-Policy": true, "Set-Login": true, "RateLimit": true, "RateLimit-Policy": true,
		"Sec-CH-Prefers-Color-Scheme": true, "Sec-CH-Prefers-Reduced-Motion": true,
		"Attribution-Reporting-Eligible": true, "Require-Document-Policy": true, "Sec-Browsing-Topics": true, "Sec-Speculation-Tags": true}
	for _, table := range fieldTables {
		for _, row := range table {
			_, ok := sfShapes[wire.CanonicalName(row.name)]
			if row.grammar.structured && !ok && !anyKind[row.name] {
				t.Errorf("%s has no shape", row.name)
			}
		}
	}
	for name := range sfShapes {
		if row := knownField(name); row == nil || !row.grammar.structured {
			t.Errorf("the shape of %s is of no structured field", name)
		}
	}
}
