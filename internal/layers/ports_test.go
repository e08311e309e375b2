package layers

import (
	"go/ast"
	"go/parser"
	"slices"
	"testing"
)

// TestPorts finds tests that close a listener which has just been made and take
// its address for one where nobody listens: a moment later it is that of another
// test's server. wiretest.Reserve is for that.
func TestPorts(t *testing.T) {
	for _, f := range sources(t) {
		for _, at := range freedPorts(f.syntax) {
			t.Errorf("%s: the port of %s may be another's after Close: use wiretest.Reserve", fileSet.Position(at.Pos()), at.Name)
		}
	}
	for text, want := range map[string]int{
		`s := httptest.NewServer(nil); s.Close(); get(s.URL)`:                                         1,
		`l, err := net.Listen("tcp", a); if err != nil { return }; l.Close(); get(l.Addr().String())`: 1,
		`s := httptest.NewServer(nil); host := s.URL; s.Close(); get(host)`:                           1,
		`s := httptest.NewTLSServer(nil); s.Close(); take(s.Certificate())`:                           0,
		`s := httptest.NewServer(nil); defer s.Close(); get(s.URL)`:                                   0,
		`s := httptest.NewServer(nil); get(s.URL); s.Close()`:                                         0,
		`s := NewServer(nil); s.Close(); get(s.URL)`:                                                  0,
	} {
		syntax, err := parser.ParseFile(fileSet, "", "package p; func f() { "+text+" }", parser.SkipObjectResolution)
		if err != nil {
			t.Fatal(err)
		}
		if got := freedPorts(syntax); len(got) != want {
			t.Errorf("%s: found %d, want %d", text, len(got), want)
		}
	}
}

// freedPorts returns the variables of listeners that are closed before anything
// was done with them but to ask for their address.
func freedPorts(f *ast.File) (found []*ast.Ident) {
	ast.Inspect(f, func(n ast.Node) bool {
		block, ok := n.(*ast.BlockStmt)
		if !ok {
			return true
		}
		for i, s := range block.List {
			if made := newListener(s); made != nil && closedUnused(made.Name, block.List[i+1:]) {
				found = append(found, made)
			}
		}
		return true
	})
	return found
}

// newListener returns the variable that s sets to a new listener.
func newListener(s ast.Stmt) *ast.Ident {
	set, ok := s.(*ast.AssignStmt)
	if !ok || len(set.Rhs) != 1 {
		return nil
	}
	call, ok := set.Rhs[0].(*ast.CallExpr)
	if !ok {
		return nil
	}
	name, _ := set.Lhs[0].(*ast.Ident)
	switch from, method := selected(call.Fun); from + "." + method {
	case "httptest.NewServer", "httptest.NewTLSServer", "net.Listen":
		return name
	}
	return nil
}

// closedUnused reports whether the listener is closed before anything else is
// done, but for keeping its address, which is used afterwards.
func closedUnused(name string, statements []ast.Stmt) bool {
	kept := false
	for i, s := range statements {
		if _, check := s.(*ast.IfStmt); check && i == 0 {
			continue
		}
		if closes(name, s) {
			return kept || slices.ContainsFunc(statements[i+1:], func(s ast.Stmt) bool { return addressOf(name, s) })
		}
		if !keeps(name, s) {
			return false
		}
		kept = true
	}
	return false
}

// closes reports whether s is name.Close().
func closes(name string, s ast.Stmt) bool {
	e, ok := s.(*ast.ExprStmt)
	if !ok {
		return false
	}
	call, ok := e.X.(*ast.CallExpr)
	if !ok {
		return false
	}
	from, method := selected(call.Fun)
	return from == name && method == "Close"
}

// keeps reports whether s is an assignment of the address, or of a part of it.
func keeps(name string, s ast.Stmt) bool {
	set, ok := s.(*ast.AssignStmt)
	if !ok || !addressOf(name, s) {
		return false
	}
	plain := true
	ast.Inspect(set, func(n ast.Node) bool {
		if call, ok := n.(*ast.CallExpr); ok {
			f, ok := call.Fun.(*ast.SelectorExpr)
			of, method := selected(call.Fun)
			plain = plain && ok && (of == "strings" || method == "Addr" || f.Sel.Name == "String")
		}
		return plain
	})
	return plain
}

// addressOf reports whether the statement asks for the listener's address.
func addressOf(name string, s ast.Stmt) (asks bool) {
	ast.Inspect(s, func(n ast.Node) bool {
		if e, ok := n.(*ast.SelectorExpr); ok {
			from, field := selected(e)
			asks = asks || from == name && (field == "URL" || field == "Addr")
		}
		return !asks
	})
	return asks
}

// selected splits x.y.
func selected(e ast.Expr) (x, y string) {
	if s, ok := e.(*ast.SelectorExpr); ok {
		if id, ok := s.X.(*ast.Ident); ok {
			return id.Name, s.Sel.Name
		}
	}
	return "", ""
}
