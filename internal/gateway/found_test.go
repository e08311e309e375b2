package gateway

import (
	"net/http/httptest"
	"testing"
)

func TestFound(t *testing.T) {
	r := httptest.NewRequest("GET", "/a", nil)
	one, other := new(int), new(int)
	if FoundBy[string](r, one, "/a") != nil {
		t.Error("something was found that nobody kept")
	}
	what := "a program"
	kept := KeepFound(r, one, "/a", &what)
	if got := FoundBy[string](kept, one, "/a"); got != &what {
		t.Errorf("found %v", got)
	}
	if FoundBy[string](kept, other, "/a") != nil || FoundBy[string](kept, one, "/b") != nil || FoundBy[int](kept, one, "/a") != nil {
		t.Error("found for somebody else")
	}
	if FoundBy[string](r, one, "/a") != nil {
		t.Error("the request that was given has changed")
	}
}
