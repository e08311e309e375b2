package config

import "testing"

// TestClientsInherit: a route that names authorities asks for certificates, whatever
// its site says; one that says off asks for none.
func TestClientsInherit(t *testing.T) {
	for _, tt := range []struct {
		name        string
		site, route Clients
		want        Clients
	}{
		{"off, and authorities of its own", Clients{Ask: "off"}, Clients{CA: "r"}, Clients{CA: "r", Ask: "require"}},
		{"the site's are off", Clients{CA: "s", Ask: "off"}, Clients{CA: "r"}, Clients{CA: "r", Ask: "require"}},
		{"all from the site", Clients{CA: "s", CRL: "l", Ask: "optional"}, Clients{}, Clients{CA: "s", CRL: "l", Ask: "optional"}},
		{"off for all", Clients{CA: "s", Ask: "off"}, Clients{}, Clients{CA: "s"}},
		{"off itself", Clients{CA: "s"}, Clients{Ask: "off"}, Clients{CA: "s"}},
		{"others, as the site asks", Clients{CA: "s", CRL: "l", Ask: "optional"}, Clients{CA: "r"}, Clients{CA: "r", Ask: "optional"}},
		{"asked again", Clients{CA: "s", Ask: "off"}, Clients{Ask: "require"}, Clients{CA: "s", Ask: "require"}},
	} {
		got := tt.route
		got.inherit(&tt.site)
		if got != tt.want {
			t.Errorf("%s: %+v, want %+v", tt.name, got, tt.want)
		}
	}
}
