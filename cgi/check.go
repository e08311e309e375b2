package cgi

import (
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"time"

	"freshet/internal/child"
	"freshet/internal/gateway"
	"freshet/internal/wire"
)

// check completes o with the defaults and returns all its faults at once.
func (o *Options) check() error {
	var faults []error
	fault := func(format string, args ...any) { faults = append(faults, fmt.Errorf("cgi: "+format, args...)) }
	o.checkPaths(fault)
	o.checkBounds(fault)
	for _, v := range o.Env {
		if err := checkVariable(v); err != nil {
			fault("%w", err)
		}
	}
	if len(o.Writable) > 0 && !o.Landlock {
		fault("Writable has a meaning with Landlock only: turn it on, or leave Writable out")
	}
	if o.ErrorLog == nil {
		o.ErrorLog = slog.Default()
	}
	return errors.Join(faults...)
}

// checkPaths is for what names folders and files.
func (o *Options) checkPaths(fault func(string, ...any)) {
	o.Dir = absolute("Dir", o.Dir, fault)
	if o.DocumentRoot == "" {
		o.DocumentRoot = o.Dir
	} else {
		o.DocumentRoot = absolute("DocumentRoot", o.DocumentRoot, fault)
	}
	if o.SpoolDir != "" {
		o.SpoolDir = absolute("SpoolDir", o.SpoolDir, fault)
	}
	for i := range o.Writable {
		o.Writable[i] = absolute("Writable", o.Writable[i], fault)
	}
	if name, _, broken := wire.DecodePath(o.Prefix); o.Prefix != "" && (o.Prefix[0] != '/' || broken != 0 || "/"+name != o.Prefix) {
		fault("prefix %q is not a path such as /cgi-bin: a slash first, none last, not encoded", o.Prefix)
	}
	for _, folder := range o.Folders {
		if name, _, broken := wire.DecodePath(folder); broken != 0 || "/"+name != folder && "/"+name+"/" != folder {
			fault("folder %q is not a path such as /cgi-bin or /", folder)
		}
	}
	for _, e := range o.Extensions {
		if len(e) < 2 || e[0] != '.' || strings.ContainsAny(e[1:], "./\\\x00") {
			fault("extension %q is not a dot and letters, such as .py", e)
		}
	}
	for _, name := range o.Index {
		if name == "" || name[0] == '.' || strings.ContainsAny(name, "/\\\x00") {
			fault("index %q is not the name of a file", name)
		}
	}
	if len(o.Folders) == 0 && len(o.Extensions) == 0 {
		o.Folders = []string{"/"}
	}
}

// absolute returns the absolute path of a folder, which must be there.
func absolute(what, dir string, fault func(string, ...any)) string {
	if dir == "" {
		fault("name a folder as %s", what)
		return ""
	}
	path, err := filepath.Abs(dir)
	if err != nil {
		fault("%s: %w", what, err)
		return dir
	}
	switch fi, err := os.Stat(path); {
	case err != nil:
		fault("%s: %w", what, err)
	case !fi.IsDir():
		fault("%s: %s is not a folder", what, path)
	}
	return path
}

// checkBounds is for numbers and times.
func (o *Options) checkBounds(fault func(string, ...any)) {
	if o.Grace < 0 || o.Running < 0 || o.QueueTime < 0 || o.MaxHead < 0 || o.SpoolMemory < 0 || o.MaxSpool < 0 {
		fault("Grace, Running, QueueTime, MaxHead, SpoolMemory and MaxSpool must not be negative")
	}
	if o.Running > child.MaxSlots {
		fault("running %d is more than %d", o.Running, child.MaxSlots)
	}
	if o.MaxHead > maxHead {
		fault("MaxHead %d is more than %d", o.MaxHead, maxHead)
	}
	if o.Running == 0 {
		o.Running = defaultRunning
	}
	o.Timeout = gateway.OrDefault(o.Timeout, defaultTimeout)
	o.MaxOutput = gateway.OrDefault(o.MaxOutput, defaultMaxOutput)
	l, d := &o.Limits, defaultLimits(o.Timeout)
	l.Memory = gateway.OrDefault(l.Memory, d.Memory)
	l.CPU = gateway.OrDefault(l.CPU, d.CPU)
	l.Files = gateway.OrDefault(l.Files, d.Files)
	l.FileSize = gateway.OrDefault(l.FileSize, d.FileSize)
}

// canLimit says that the system lets us limit programs.
const canLimit = runtime.GOOS == "linux"

// defaultLimits are none where limits cannot be had: who asks for one there is
// told so.
func defaultLimits(timeout time.Duration) Limits {
	if !canLimit {
		return Limits{}
	}
	return Limits{Memory: defaultMemory, CPU: timeout, Files: defaultFiles, FileSize: defaultFileSize}
}

// processes is the limit on processes; own says that programs run as we do,
// whose other processes would count, too.
func (o *Options) processes(own bool) int {
	if (own || !canLimit) && o.Limits.Processes == 0 {
		return 0
	}
	return gateway.OrDefault(o.Limits.Processes, max(leastProcesses, processesEach*o.Running))
}

// requestVariables are set for each request (RFC 3875 §4.1), and nobody else
// may set them.
var requestVariables = []string{
	"AUTH_TYPE", "CONTENT_LENGTH", "CONTENT_TYPE", "DOCUMENT_ROOT", "DOCUMENT_URI", "GATEWAY_INTERFACE", "HTTPS",
	"PATH_INFO", "PATH_TRANSLATED", "QUERY_STRING", "REMOTE_ADDR", "REMOTE_HOST", "REMOTE_IDENT", "REMOTE_PORT", "REMOTE_USER",
	"REQUEST_METHOD", "REQUEST_SCHEME", "REQUEST_URI", "SCRIPT_FILENAME", "SCRIPT_NAME",
	"SERVER_ADDR", "SERVER_NAME", "SERVER_PORT", "SERVER_PROTOCOL", "SERVER_SOFTWARE", "UNIQUE_ID",
}

// checkVariable says what is wrong with an element of Options.Env.
func checkVariable(v string) error {
	name, _, _ := strings.Cut(v, "=")
	upper := strings.ToUpper(name)
	switch {
	case name == "" || strings.ContainsAny(v, "\x00"):
		return fmt.Errorf("variable %q is neither NAME nor NAME=value", v)
	case upper == "HTTP_PROXY":
		return errors.New("variable HTTP_PROXY is what a client's field Proxy would be called: programs that need one can be given ALL_PROXY or https_proxy")
	case strings.HasPrefix(upper, "HTTP_") || slices.Contains(requestVariables, upper):
		return fmt.Errorf("variable %s tells of the request: choose another name", name)
	}
	return nil
}
