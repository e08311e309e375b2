package app

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"

	"freshet/internal/why"
)

// apply does what a fix says.
func (w *world) apply(r *request, f why.Fix) error {
	switch f.Who {
	case why.Request:
		return r.fix(f, w.base)
	case why.Origin:
		return w.fixOrigin(r, f)
	case why.Files:
		return w.fixFiles(f)
	}
	if w.args[0] == "run" {
		return w.fixFile(f)
	}
	return w.fixFlags(f)
}

func (r *request) fix(f why.Fix, base string) error {
	switch {
	case f.Name == why.Method:
		r.method = f.Value
	case f.Name == why.Body:
		r.body = ""
	case f.Name == why.URL:
		r.target = strings.TrimPrefix(f.Value, base)
	default:
		r.fields = fixFields(r.fields, f)
	}
	return nil
}

// fixFields sets, adds or removes a field, or an element of a list.
func fixFields(fields []string, f why.Fix) []string {
	var kept []string
	for _, line := range fields {
		name, value, _ := strings.Cut(line, ":")
		switch {
		case !strings.EqualFold(name, f.Name) || f.Do == "add":
			kept = append(kept, line)
		case f.Do == "remove" && f.Value != "":
			if rest := withoutElement(value, f.Value); rest != "" {
				kept = append(kept, name+": "+rest)
			}
		}
	}
	if f.Do != "remove" {
		kept = append(kept, f.Name+": "+f.Value)
	}
	return kept
}

func withoutElement(list, element string) string {
	var kept []string
	for e := range strings.SplitSeq(list, ",") {
		if e = strings.TrimSpace(e); e != "" && !strings.EqualFold(e, element) && !strings.HasPrefix(strings.ToLower(e), strings.ToLower(element)+"=") {
			kept = append(kept, e)
		}
	}
	return strings.Join(kept, ", ")
}

func (w *world) fixOrigin(r *request, f why.Fix) error {
	if f.Name == why.Server {
		w.origin.stop()
		err := w.origin.start()
		return err
	}
	if program := filepath.Join(w.dir, filepath.FromSlash(w.targetOf(r))); len(w.s.programs) > 0 {
		text, err := os.ReadFile(program)
		if err != nil {
			return err
		}
		changed := strings.Replace(string(text), `\n\n`, `\n`+f.Name+": "+f.Value+`\n\n`, 1)
		return os.WriteFile(program, []byte(changed), 0o755)
	}
	return w.origin.change(w.targetOf(r), func(p *played) {
		switch {
		case f.Name == why.Status:
			p.status, _ = strconv.Atoi(f.Value)
			p.raw = ""
		case p.raw != "":
			head, body, _ := strings.Cut(p.raw, "\r\n\r\n")
			lines := strings.Split(head, "\r\n")
			p.raw = strings.Join(append(lines[:1:1], fixFields(lines[1:], f)...), "\r\n") + "\r\n\r\n" + body
		default:
			p.fields = fixFields(p.fields, f)
		}
	})
}

// targetOf is what the origin is asked for.
func (w *world) targetOf(r *request) string {
	target := w.expand(r.target)
	if rest, ok := strings.CutPrefix(target, "http://"); ok {
		_, path, _ := strings.Cut(rest, "/")
		return "/" + path
	}
	return target
}

func (w *world) fixFiles(f why.Fix) error {
	path := filepath.Join(w.dir, filepath.FromSlash(f.Name))
	if filepath.IsAbs(f.Name) {
		path = f.Name
	}
	switch {
	case f.Do == "add":
		return w.addFile(f.Name, "added")
	case f.Do == "remove":
		return os.Remove(path)
	case f.Value == why.Readable:
		return os.Chmod(path, 0o644)
	case f.Value == "executable":
		return os.Chmod(path, 0o755)
	case strings.HasSuffix(f.Value, "writable by its owner alone"):
		return errors.Join(os.Chmod(path, 0o755), os.Chmod(filepath.Dir(path), 0o755))
	case f.Value == why.Plain:
		if err := os.Remove(path); err != nil {
			return err
		}
		return w.addFile(f.Name, "plain")
	}
	return fmt.Errorf("unknown fix %+v", f)
}

// fixFlags changes the command line.
func (w *world) fixFlags(f why.Fix) error {
	w.changed = true
	flag := "--" + f.Name
	var kept []string
	for i := 0; i < len(w.args); i++ {
		arg := w.args[i]
		name, value, has := strings.Cut(arg, "=")
		if name != flag || f.Do == "add" || f.Do == "remove" && f.Value != "" && has && value != f.Value {
			kept = append(kept, arg)
		}
		if name == flag && !has && f.Do != "add" {
			return errors.New("write flags of scenarios with =")
		}
	}
	if f.Do != "remove" {
		kept = append(kept, flag+"="+f.Value)
	}
	w.args = kept
	return nil
}

var (
	onlyDigits = regexp.MustCompile(`^[0-9]+$`)
	routeTable = regexp.MustCompile(`(?s)\[\[site\.route\]\]\n.*?(\n\[|$)`)
)

// fixFile changes the configuration file: the first line that has the key, or
// else where "# fixes" stands.
func (w *world) fixFile(f why.Fix) error {
	text := w.toml
	if f.Name == why.Route {
		route := strings.TrimSuffix(routeTable.FindString(text), "[")
		route = regexp.MustCompile(`(?m)^path *=.*\n`).ReplaceAllString(route, "")
		return w.configure(text + "\n" + route + "\npath = '" + f.Value + "'\n")
	}
	line := regexp.MustCompile(`(?m)^` + regexp.QuoteMeta(f.Name) + ` *=.*$`)
	had := line.FindString(text)
	quoted := "'" + f.Value + "'"
	switch {
	case f.Value == "on" || f.Value == "off" && !strings.Contains("cache status", f.Name):
		quoted = map[string]string{"on": "true", "off": "false"}[f.Value]
	case onlyDigits.MatchString(f.Value):
		quoted = f.Value
	}
	var want string
	switch {
	case f.Do == "remove" && f.Value == "":
	case f.Do == "add" && had != "":
		want = strings.Replace(strings.TrimSuffix(strings.TrimSpace(had), "]"), "=", "=", 1) + ", " + quoted + "]"
		if !strings.Contains(had, "[") {
			return fmt.Errorf("write %s as an array", f.Name)
		}
	case f.Do == "add":
		want = f.Name + " = [" + quoted + "]"
	case f.Do == "remove":
		want = strings.ReplaceAll(strings.ReplaceAll(had, ", "+quoted, ""), quoted, "")
	default:
		want = f.Name + " = " + quoted
	}
	if had != "" {
		return w.configure(strings.Replace(text, had, want, 1))
	}
	if !strings.Contains(text, "# fixes\n") {
		return errors.New(`the configuration has no line "# fixes"`)
	}
	return w.configure(strings.Replace(text, "# fixes\n", "# fixes\n"+want+"\n", 1))
}
