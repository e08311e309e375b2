package applications

import (
	"fmt"
	"io"
	"os"
	"testing"
)

// TestScriptForkBomb has a program that does nothing but multiply run into the
// limit on processes, and be ended with all that it became.
func TestScriptForkBomb(t *testing.T) {
	if os.Getuid() != 0 {
		t.Skip("the limit counts all processes of a user, and programs run as who runs this test")
	}
	p := newPlace(t)
	p.file(t, "www/cgi-bin/bomb.sh", "#!/bin/sh\nbomb() { bomb | bomb & }\nbomb\nwhile :; do bomb 2>/dev/null; done\n", 0o755)
	p.file(t, "www/cgi-bin/hello.sh", "#!/bin/sh\nprintf 'Content-Type: text/plain\\n\\nhello\\n'\n", 0o755)
	url, server := p.serve(t, "serve", "--cgi", "/cgi-bin", "--cgi-processes", "64", "--cgi-timeout", "3s", p.dir+"/www")
	wantBody(t, "before", get(t, url+"/cgi-bin/hello.sh"), 200, "hello\n")
	files := descriptors(t, server)
	if a := get(t, url+"/cgi-bin/bomb.sh"); a.status != 502 && a.status != 504 {
		t.Errorf("the bomb: %d %.300q", a.status, a.body)
	}
	eventually(t, "nothing of the bomb runs", func() bool { return !p.running("bomb.sh") })
	wantBody(t, "after", get(t, url+"/cgi-bin/hello.sh"), 200, "hello\n")
	eventually(t, "the server has as many descriptors as before", func() bool { return descriptors(t, server) <= files })
	t.Logf("afterwards: %d processes, the server's own; %d descriptors, before %d", len(p.processes()), descriptors(t, server), files)
}

// TestScriptFloodOfOutput has memory not grow with an answer of 10 GB.
func TestScriptFloodOfOutput(t *testing.T) {
	p := newPlace(t)
	const size = 10 << 30
	p.file(t, "www/cgi-bin/flood.sh", fmt.Sprintf("#!/bin/sh\nprintf 'Content-Type: application/octet-stream\\n\\n'\nexec head -c %d /dev/zero\n", int64(size)), 0o755)
	url, server := p.serve(t, "serve", "--cgi", "/cgi-bin", "--cgi-output", "off", "--cgi-timeout", "10m", "--cgi-cpu", "off", p.dir+"/www")
	before := memory(t, server, "VmRSS")
	resp, err := browser.Get(url + "/cgi-bin/flood.sh")
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	n, err := io.Copy(io.Discard, resp.Body)
	if n != size || err != nil {
		t.Errorf("%d octets of %d: %v", n, int64(size), err)
	}
	most := memory(t, server, "VmHWM")
	if most > before+64<<20 {
		t.Errorf("memory grew from %d to %d MiB", before>>20, most>>20)
	}
	t.Logf("10 GiB passed; memory %d MiB before, %d MiB at most", before>>20, most>>20)
}

// descriptors returns how many a process has.
func descriptors(t *testing.T, process *os.Process) int {
	t.Helper()
	open, err := os.ReadDir(fmt.Sprintf("/proc/%d/fd", process.Pid))
	if err != nil {
		t.Fatal(err)
	}
	return len(open)
}
