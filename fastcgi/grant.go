package fastcgi

import (
	"context"
	"net/http"
	"strings"

	"freshet/internal/gateway"
)

type grantedKey struct{}

// granted returns r with the variables that an authorizer lets pass on.
func granted(r *http.Request, vars []gateway.Var) *http.Request {
	if len(vars) == 0 {
		return r
	}
	earlier, _ := r.Context().Value(grantedKey{}).([]gateway.Var)
	vars = append(append([]gateway.Var(nil), earlier...), vars...)
	return r.WithContext(context.WithValue(r.Context(), grantedKey{}, vars))
}

// appendGranted appends what authorizers in front have said of the request. They
// cannot change what the server says.
func appendGranted(vars []gateway.Var, r *http.Request) []gateway.Var {
	more, _ := r.Context().Value(grantedKey{}).([]gateway.Var)
	for _, v := range more {
		if indexOf(vars, v.Name) < 0 {
			vars = append(vars, v)
		}
	}
	return vars
}

// variablesOf returns the parameters in the fields Variable-NAME of an
// authorizer's answer (§6.3). Names of fields have no case: parameters get
// capitals.
func variablesOf(h http.Header) (vars []gateway.Var) {
	for name, values := range h {
		if rest, ok := strings.CutPrefix(name, "Variable-"); ok && rest != "" && len(values) > 0 {
			name := strings.ToUpper(strings.ReplaceAll(rest, "-", "_"))
			if !strings.HasPrefix(name, "HTTP_") { // those are the client's
				vars = append(vars, gateway.Var{Name: name, Value: values[0]})
			}
		}
	}
	return vars
}
