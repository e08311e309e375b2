package wiretest

import "testing"

// Reserve returns an address of this machine where nobody listens, so that
// connections are refused, until the test does. It may listen there, end that
// and begin anew: meanwhile no other program gets the port, as it would that of
// a listener that was closed. The reservation ends with the test; only Linux
// knows such a thing, elsewhere the port is one that was free a moment ago.
func Reserve(t testing.TB) string {
	t.Helper()
	addr, release, err := reserve()
	if err != nil {
		t.Fatal("reserve a port: ", err)
	}
	t.Cleanup(release)
	return addr
}
