package wrapped

import (
	"net/http"
	"net/http/httptest"
	"testing"
)

type around struct{ http.ResponseWriter }

func (a around) Unwrap() http.ResponseWriter { return a.ResponseWriter }

type shut struct{ http.ResponseWriter }

type named struct{ around }

func (named) Name() string { return "found" }

func TestFind(t *testing.T) {
	plain := httptest.NewRecorder()
	for what, tt := range map[string]struct {
		w    http.ResponseWriter
		want bool
	}{
		"none":                  {nil, false},
		"the writer itself":     {named{}, true},
		"below wrappers":        {around{around{named{}}}, true},
		"not there":             {around{plain}, false},
		"below one that hides":  {around{shut{named{}}}, false},
		"below one without any": {around{nil}, false},
	} {
		if n, ok := Find[interface{ Name() string }](tt.w); ok != tt.want || ok && n.Name() != "found" {
			t.Errorf("%s: %v", what, ok)
		}
	}
}
