package layers

import (
	"debug/elf"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
)

// TestUnusedMethodsAreLeftOut: the linker leaves out methods that nobody calls as
// long as nothing that is linked asks package reflect for a method by a name or a
// number that is known only when the program runs. One such call costs each
// process of freshet 3 MB.
func TestUnusedMethodsAreLeftOut(t *testing.T) {
	program := filepath.Join(t.TempDir(), "freshet")
	cmd := exec.Command("go", "build", "-o", program, "./cmd/freshet")
	cmd.Dir = root
	cmd.Env = append(os.Environ(), "GOOS=linux", "GOARCH=amd64", "CGO_ENABLED=0")
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	file, err := elf.Open(program)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	symbols, err := file.Symbols()
	if err != nil {
		t.Fatal(err)
	}
	linked := map[string]bool{}
	for _, s := range symbols {
		linked[s.Name] = true
	}
	if !linked["main.main"] || !linked["reflect.Value.Call"] {
		t.Fatal("the table of symbols does not have what it must")
	}
	for _, name := range []string{"Method", "MethodByName"} {
		if linked["reflect.Value."+name] || linked["reflect.(*rtype)."+name] {
			t.Errorf("something that is linked calls reflect's %s; find it: go build -ldflags=-dumpdep ./cmd/freshet 2>&1 | grep ReflectMethod", name)
		}
	}
}
