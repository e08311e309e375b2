package layers

import (
	"cmp"
	"errors"
	"go/ast"
	"go/constant"
	"go/token"
	"go/types"
	"slices"
	"strconv"
	"strings"
)

// comparison is one that tells, by the time it takes, how much of a secret
// was right.
type comparison struct {
	path     string
	line     int
	function string // where it is, as T.method; "-" outside functions
	text     string // as it is written, without what is inside function literals
	careful  bool   // it is made in constant time
}

// comparers are functions, of any package, that stop at the first difference.
var comparers = []string{
	"Compare", "Contains", "Cut", "CutPrefix", "CutSuffix", "DeepEqual", "Equal", "EqualFold", "HasPrefix", "HasSuffix", "Index", "LastIndex",
}

// careful are the functions that do not stop there.
var careful = []string{"hmac.Equal", "subtle.ConstantTimeCompare", "control.Same"}

// asks say something about what they are given; any other function is taken to
// return it in another form, so that what it makes of a secret is one.
var asks = []string{"Contains", "Count", "Index", "Open", "Parse", "ReadFile", "len"}

// readers return what a client has sent under a name.
var readers = []string{"Cookie", "FormValue", "Get", "PathValue", "PostFormValue"}

// finder looks at one package. Types are those of this module alone: what
// comes from others is of unknown type, which counts as one that can be
// compared.
type finder struct {
	fset     *token.FileSet
	info     *types.Info
	derived  map[types.Object]bool // variables and fields that were made of a secret
	written  map[ast.Expr]bool     // m[k] on the left of an assignment
	path     string
	function string
	found    []comparison
}

// checker type-checks the packages of the module, each once.
type checker struct {
	fset    *token.FileSet
	files   map[string][]goFile // by package
	checked map[string]*types.Package
	found   []comparison
}

var errForeign = errors.New("not of this module")

// Import has packages of others be unknown, for theirs need not be read.
func (c *checker) Import(path string) (*types.Package, error) {
	dir, ours := strings.CutPrefix(path, module+"/")
	if !ours || len(c.files[dir]) == 0 {
		return nil, errForeign
	}
	return c.check(dir), nil
}

// check finds the comparisons of a package. Files for other systems are
// looked at together with those for this one; that they say things twice is
// no matter here, and nor is any other error.
func (c *checker) check(dir string) *types.Package {
	if pkg := c.checked[dir]; pkg != nil {
		return pkg
	}
	c.checked[dir] = types.NewPackage(module+"/"+dir, "cycle")
	var parsed []*ast.File
	for _, f := range c.files[dir] {
		parsed = append(parsed, f.syntax)
	}
	info := &types.Info{Types: map[ast.Expr]types.TypeAndValue{}, Defs: map[*ast.Ident]types.Object{}, Uses: map[*ast.Ident]types.Object{}}
	conf := types.Config{Importer: c, Error: func(error) {}, FakeImportC: true}
	pkg, _ := conf.Check(module+"/"+dir, c.fset, parsed, info)
	c.checked[dir] = pkg
	// Twice: a field may be compared before the place where it gets a secret.
	derived := map[types.Object]bool{}
	for _, last := range []bool{false, true} {
		for _, f := range c.files[dir] {
			find := finder{fset: c.fset, info: info, derived: derived, written: map[ast.Expr]bool{}, path: f.path}
			found := find.file(f.syntax)
			if last {
				c.found = append(c.found, found...)
			}
		}
	}
	return pkg
}

// secretComparisons lists what compares secrets in these files.
func secretComparisons(fset *token.FileSet, files []goFile) []comparison {
	c := checker{fset: fset, files: map[string][]goFile{}, checked: map[string]*types.Package{}}
	for _, f := range files {
		if !f.test {
			c.files[f.dir] = append(c.files[f.dir], f)
		}
	}
	for dir := range c.files {
		c.check(dir)
	}
	slices.SortFunc(c.found, func(a, b comparison) int {
		return cmp.Or(strings.Compare(a.path, b.path), cmp.Compare(a.line, b.line), strings.Compare(a.text, b.text))
	})
	return c.found
}

func (f *finder) file(syntax *ast.File) []comparison {
	for _, decl := range syntax.Decls {
		f.function = functionName(decl)
		ast.Inspect(decl, f.node)
	}
	return f.found
}

func (f *finder) node(n ast.Node) bool {
	switch n := n.(type) {
	case *ast.AssignStmt:
		f.assign(n)
	case *ast.RangeStmt:
		if n.Value != nil && f.secret(n.X) {
			f.derive(n.Value)
		}
	case *ast.BinaryExpr:
		if n.Op == token.EQL || n.Op == token.NEQ {
			f.compare(n, types.ExprString(n), n.X, n.Y)
		}
	case *ast.SwitchStmt:
		f.choose(n)
	case *ast.IndexExpr:
		if f.isMap(n.X) && !f.written[n] {
			f.compare(n, types.ExprString(n), n.Index)
		}
	case *ast.KeyValueExpr: // of a composite
		if f.secret(n.Value) {
			f.derive(n.Key)
		}
	case *ast.CallExpr:
		f.call(n)
	}
	return true
}

func (f *finder) assign(n *ast.AssignStmt) {
	for i, left := range n.Lhs {
		f.written[left] = true
		right := n.Rhs[min(i, len(n.Rhs)-1)]
		if i < len(n.Rhs) && f.secret(right) {
			f.derive(left)
		}
	}
}

// derive notes that a variable, or a field, was made of a secret.
func (f *finder) derive(e ast.Expr) {
	switch e := ast.Unparen(e).(type) {
	case *ast.Ident:
		if obj := cmp.Or(f.info.Defs[e], f.info.Uses[e]); obj != nil && !aboutSecret(e.Name) {
			f.derived[obj] = true
		}
	case *ast.SelectorExpr:
		f.derive(e.Sel)
	case *ast.SliceExpr:
		f.derive(e.X)
	}
}

// choose looks at "switch a { case b: }", which compares a and b.
func (f *finder) choose(n *ast.SwitchStmt) {
	if n.Tag == nil {
		return
	}
	for _, clause := range n.Body.List {
		for _, value := range clause.(*ast.CaseClause).List {
			f.compare(value, types.ExprString(n.Tag)+" case "+types.ExprString(value), n.Tag, value)
		}
	}
}

func (f *finder) call(n *ast.CallExpr) {
	sel, ok := n.Fun.(*ast.SelectorExpr)
	if !ok {
		switch id, ok := n.Fun.(*ast.Ident); {
		case !ok:
		case slices.Contains(comparers, id.Name):
			f.compare(n, types.ExprString(n), n.Args...)
		case id.Name == "copy" && f.secret(n.Args[1]):
			f.derive(n.Args[0])
		}
		return
	}
	pkg := f.imported(sel.X)
	switch {
	case constantTime(pkg):
		if before := len(f.found); slices.Contains(careful, types.ExprString(sel)) {
			f.compare(n, types.ExprString(n), n.Args...)
			for i := range f.found[before:] {
				f.found[before+i].careful = true
			}
		}
	case strings.HasPrefix(sel.Sel.Name, "Load") && pkg == "" && len(n.Args) > 0: // sync.Map
		f.compare(n, types.ExprString(n), n.Args[0])
	case slices.Contains(comparers, sel.Sel.Name) && pkg != "":
		f.compare(n, types.ExprString(n), n.Args...)
	case slices.Contains(comparers, sel.Sel.Name) && len(n.Args) == 1:
		f.compare(n, types.ExprString(n), sel.X, n.Args[0])
	}
}

// compare lists a comparison when there is a secret among the operands, and
// nothing that everybody knows. A number is compared in one step, which tells
// nothing.
func (f *finder) compare(n ast.Expr, text string, operands ...ast.Expr) {
	harmless := func(e ast.Expr) bool { return f.constant(e) || f.number(e) }
	if !slices.ContainsFunc(operands, harmless) && slices.ContainsFunc(operands, f.secret) {
		f.found = append(f.found, comparison{f.path, f.fset.Position(n.Pos()).Line, f.function, text, false})
	}
}

// constant says whether an operand is written in the source: a literal, nil,
// an empty composite, a constant, or what another module exports.
func (f *finder) constant(e ast.Expr) bool {
	e = ast.Unparen(e)
	tv := f.info.Types[e]
	if tv.IsNil() || tv.Value != nil && tv.Value.Kind() != constant.Unknown {
		return true
	}
	switch e := e.(type) {
	case *ast.BasicLit:
		return true
	case *ast.CompositeLit:
		return !slices.ContainsFunc(e.Elts, func(elt ast.Expr) bool { return !f.constant(elt) })
	case *ast.CallExpr: // []byte("…"), and len(…), which is no secret
		id, ok := e.Fun.(*ast.Ident)
		return len(e.Args) == 1 && (ok && id.Name == "len" || f.info.Types[e.Fun].IsType() && f.constant(e.Args[0]))
	case *ast.SelectorExpr:
		pkg := f.imported(e.X)
		return pkg != "" && !strings.HasPrefix(pkg, module+"/")
	}
	return false
}

// secret says whether an expression is a secret, by its names, by its type,
// or by what it was made of.
func (f *finder) secret(e ast.Expr) bool {
	e = ast.Unparen(e)
	if !f.canBeSecret(e) {
		return false
	}
	if f.secretType(e) {
		return true
	}
	switch e := e.(type) {
	case *ast.Ident:
		return secretName(e.Name) || f.derived[f.info.Uses[e]]
	case *ast.SelectorExpr:
		return secretName(e.Sel.Name) || f.derived[f.info.Uses[e.Sel]]
	case *ast.StarExpr:
		return f.secret(e.X)
	case *ast.UnaryExpr:
		return f.secret(e.X)
	case *ast.SliceExpr:
		return f.secret(e.X)
	case *ast.TypeAssertExpr:
		return f.secret(e.X)
	case *ast.BinaryExpr:
		return e.Op == token.ADD && (f.secret(e.X) || f.secret(e.Y))
	case *ast.IndexExpr:
		return f.secret(e.X) || namedSecret(e.Index)
	case *ast.CallExpr:
		return f.secretResult(e)
	}
	return false
}

// secretResult says whether a call returns a secret: what has the name of one,
// and what is made of one.
func (f *finder) secretResult(e *ast.CallExpr) bool {
	var name string
	switch fun := e.Fun.(type) {
	case *ast.Ident:
		name = fun.Name
	case *ast.SelectorExpr:
		name = fun.Sel.Name
		switch {
		case slices.Contains(careful, types.ExprString(fun)):
			return false
		case slices.Contains(readers, name) && len(e.Args) == 1 && namedSecret(e.Args[0]):
			return true
		case slices.Contains([]string{"Sum", "Bytes", "String"}, name) && f.secret(fun.X):
			return true
		}
	}
	return !slices.Contains(asks, name) && (secretName(name) || slices.ContainsFunc(e.Args, f.secret))
}

// typeOf is nil, or invalid, for what others have declared.
func (f *finder) typeOf(e ast.Expr) types.Type {
	if id, ok := e.(*ast.Ident); ok {
		if obj := f.info.Uses[id]; obj != nil {
			return obj.Type()
		}
	}
	return f.info.Types[e].Type
}

// number says whether an expression is one, or a truth value, and no element
// of a secret.
func (f *finder) number(e ast.Expr) bool {
	e = ast.Unparen(e)
	typ := f.typeOf(e)
	if typ == nil {
		return false
	}
	u, ok := typ.Underlying().(*types.Basic)
	if !ok || u.Kind() == types.Invalid || u.Info()&types.IsString != 0 {
		return false
	}
	index, element := e.(*ast.IndexExpr)
	return !element || f.isMap(index.X)
}

// canBeSecret says whether the type allows it; an unknown one does.
func (f *finder) canBeSecret(e ast.Expr) bool {
	typ := f.typeOf(e)
	if typ == nil {
		return true
	}
	switch typ.Underlying().(type) {
	case *types.Interface, *types.Signature, *types.Pointer, *types.Chan:
		return false
	}
	return !f.number(e)
}

func (f *finder) secretType(e ast.Expr) bool {
	named, ok := f.info.Types[e].Type.(*types.Named)
	return ok && secretName(named.Obj().Name())
}

func (f *finder) isMap(e ast.Expr) bool {
	tv := f.info.Types[e]
	if tv.IsType() || tv.Type == nil {
		return false // of a generic type, or function
	}
	switch u := tv.Type.Underlying().(type) {
	case *types.Map:
		return true
	case *types.Basic:
		return u.Kind() == types.Invalid
	}
	return false
}

// constantTime names the packages that compare as one should.
func constantTime(pkg string) bool {
	return slices.Contains([]string{"crypto/hmac", "crypto/subtle", module + "/internal/control"}, pkg)
}

// imported is the path of the package that a qualifier stands for, or "".
func (f *finder) imported(e ast.Expr) string {
	if id, ok := e.(*ast.Ident); ok {
		if pkg, ok := f.info.Uses[id].(*types.PkgName); ok {
			return pkg.Imported().Path()
		}
	}
	return ""
}

// namedSecret says whether a key, as in form["token"] or Get("X-CSRF"), is
// the name of a secret; Authorization has one.
func namedSecret(e ast.Expr) bool {
	lit, ok := e.(*ast.BasicLit)
	if !ok || lit.Kind != token.STRING {
		return false
	}
	name, err := strconv.Unquote(lit.Value)
	return err == nil && (secretName(name) || strings.HasSuffix(name, "Authorization"))
}

// functionName is that of a declaration, as T.method; "-" of other ones.
func functionName(decl ast.Decl) string {
	fn, ok := decl.(*ast.FuncDecl)
	switch {
	case !ok:
		return "-"
	case fn.Recv == nil || len(fn.Recv.List) == 0:
		return fn.Name.Name
	}
	typ := fn.Recv.List[0].Type
	if star, ok := typ.(*ast.StarExpr); ok {
		typ = star.X
	}
	if index, ok := typ.(*ast.IndexExpr); ok {
		typ = index.X
	}
	return types.ExprString(typ) + "." + fn.Name.Name
}

// carefulFunctions names the functions of a file that compare in constant
// time, once for each comparison.
func carefulFunctions(syntax *ast.File) (names []string) {
	for _, decl := range syntax.Decls {
		ast.Inspect(decl, func(n ast.Node) bool {
			call, ok := n.(*ast.CallExpr)
			if ok && slices.Contains(careful, types.ExprString(call.Fun)) {
				names = append(names, functionName(decl))
			}
			return true
		})
	}
	return names
}
