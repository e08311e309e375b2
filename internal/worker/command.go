package worker

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"freshet/jobs"
)

var placeholder = regexp.MustCompile(`\{(frame|task)(:0([1-9]|1[0-9]|20))?\}`)

// expand replaces {frame}, {task} and {frame:04} by the number of a task.
func expand(word string, number int64) string {
	if !strings.Contains(word, "{") {
		return word
	}
	return placeholder.ReplaceAllStringFunc(word, func(p string) string {
		width := 0
		if m := placeholder.FindStringSubmatch(p); m[3] != "" {
			width, _ = strconv.Atoi(m[3])
		}
		return fmt.Sprintf("%0*d", width, number)
	})
}

func expandAll(words []string, number int64) []string {
	list := make([]string, len(words))
	for i, w := range words {
		list[i] = expand(w, number)
	}
	return list
}

// environment is what a program gets; mark names the attempt.
func (w *Worker) environment(t *jobs.Task, p *place, mark string) []string {
	env := []string{"PATH=" + w.o.Path, "HOME=" + p.work, "TMPDIR=" + p.temp}
	for _, v := range t.Spec.Env {
		name, _, ok := strings.Cut(v, "=")
		if !ok || name == "" || name == "UNIQUE_ID" || strings.HasPrefix(name, "FRESHET_") {
			continue
		}
		env = slices.DeleteFunc(env, func(have string) bool { return strings.HasPrefix(have, name+"=") })
		env = append(env, v)
	}
	env = append(env,
		"FRESHET_JOB="+string(t.Job),
		"FRESHET_TASK="+strconv.FormatInt(t.Task, 10),
		"FRESHET_ATTEMPT="+strconv.Itoa(t.Attempt),
		"FRESHET_TOKEN="+strconv.FormatUint(t.Token, 10),
		"UNIQUE_ID="+mark)
	if moreDescriptors {
		env = append(env, "FRESHET_PROGRESS_FD=3")
	}
	return env
}

// lookPath finds a program: one with a slash in its name from dir, others in
// the folders of PATH. It looks whether there is a file, not who may run it.
func lookPath(name, dir string, env []string) (string, error) {
	if filepath.IsAbs(name) {
		return name, nil
	}
	if strings.ContainsRune(name, '/') || strings.ContainsRune(name, filepath.Separator) {
		return filepath.Join(dir, name), nil
	}
	path := ""
	for _, v := range env {
		if value, ok := strings.CutPrefix(v, "PATH="); ok {
			path = value
		}
	}
	for _, folder := range filepath.SplitList(path) {
		if !filepath.IsAbs(folder) {
			continue
		}
		for _, ending := range programEndings {
			file := filepath.Join(folder, name+ending)
			if fi, err := os.Stat(file); err == nil && isProgram(fi) {
				return file, nil
			}
		}
	}
	return "", fmt.Errorf("%q is in no folder of PATH (%s)", name, path)
}

// shortly is a duration without parts that are zero: 10m, not 10m0s.
func shortly(d time.Duration) string {
	s := d.String()
	if strings.HasSuffix(s, "m0s") {
		s = s[:len(s)-2]
	}
	if strings.HasSuffix(s, "h0m") {
		s = s[:len(s)-2]
	}
	return s
}
