package monitor

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"mime"
	"net/http"
	"net/url"
	"path"
	"slices"
	"strconv"
	"strings"
	"time"

	"freshet/internal/monitor/ui"
	"freshet/jobs"
)

// jobFilePath is where the files are that tasks have made.
const jobFilePath = "/jobs/file"

// Of a task's files a page lists so many, and shows so many of the pictures,
// none of which is larger.
const (
	mostFiles    = 1000
	mostPictures = 24
	largestShown = 16 << 20
)

// pictureNames are the ends of names of files that are looked into for a picture.
var pictureNames = []string{".png", ".jpg", ".jpeg", ".gif", ".webp", ".avif"}

// filesOf are the files that a task has made, and the pictures among them.
func (m *Monitor) filesOf(id jobs.ID, task int64) ([]ui.Section, error) {
	if m.o.JobFiles == nil {
		return nil, nil
	}
	files, err := m.o.JobFiles(id, task)
	if err != nil || len(files) == 0 {
		return nil, err
	}
	list := &ui.Table{Caption: "Files", Columns: []ui.Column{{Key: "name", Title: "Name", Mono: true, Wide: true}, {Key: "size", Title: "Size", Numeric: true}}, Total: len(files)}
	list.ID = "files"
	pictures := &ui.Gallery{}
	pictures.Title, pictures.ID = "Pictures", "pictures"
	for _, f := range files[:min(len(files), mostFiles)] {
		at := fileAddress(id, task, f.Name)
		list.Rows = append(list.Rows, ui.Row{Cells: []ui.Cell{{Text: ui.Visible(f.Name), Href: at}, {Text: ui.Bytes.Format(float64(f.Size))}}})
		if len(pictures.Pictures) < mostPictures && f.Size <= largestShown && m.isPicture(id, task, f.Name) {
			pictures.Pictures = append(pictures.Pictures, ui.Picture{Src: at, Name: ui.Visible(f.Name)})
		}
	}
	if len(pictures.Pictures) == 0 {
		return []ui.Section{list}, nil
	}
	return []ui.Section{list, pictures}, nil
}

func fileAddress(id jobs.ID, task int64, name string) string {
	return address(jobFilePath, url.Values{"id": {string(id)}, "task": {strconv.FormatInt(task, 10)}, "name": {name}})
}

// isPicture reports whether a file is called one, and is.
func (m *Monitor) isPicture(id jobs.ID, task int64, name string) bool {
	if !slices.Contains(pictureNames, strings.ToLower(path.Ext(name))) {
		return false
	}
	f, err := m.o.OpenJobFile(id, task, name)
	if err != nil {
		return false
	}
	defer f.Close()
	kind, err := pictureType(f)
	return err == nil && kind != ""
}

// pictureType is the media type of a picture that browsers may show, "" for all
// else: by what stands in it, whatever it is called. None of these types can
// have a script.
func pictureType(f io.ReaderAt) (string, error) {
	head := make([]byte, 512)
	n, err := f.ReadAt(head, 0)
	if err != nil && !errors.Is(err, io.EOF) {
		return "", err
	}
	head = head[:n]
	if len(head) >= 12 && bytes.Equal(head[4:8], []byte("ftyp")) && slices.Contains([]string{"avif", "avis"}, string(head[8:12])) {
		return "image/avif", nil
	}
	switch kind := http.DetectContentType(head); kind {
	case "image/png", "image/jpeg", "image/gif", "image/webp":
		return kind, nil
	}
	return "", nil
}

// sendJobFile sends a file that a task has made: a picture to be shown, all else
// to be saved. It is stored by browsers, and asked for each time whether it is
// still that one: a later run of the task makes another.
func sendJobFile(m *Monitor, w http.ResponseWriter, r *http.Request) {
	values, err := readQuery(r)
	if err != nil {
		failAs(w, r, err)
		return
	}
	ctx, cancel := context.WithTimeout(r.Context(), patience)
	defer cancel()
	info, err := m.job(ctx, values.Get("id"))
	if err != nil {
		failAs(w, r, err)
		return
	}
	task, err := strconv.ParseInt(values.Get("task"), 10, 64)
	if err != nil {
		failAs(w, r, &badQuery{"task is the number of a task"})
		return
	}
	if m.o.OpenJobFile == nil {
		failAs(w, r, &missing{"This server keeps no files of jobs."})
		return
	}
	name := values.Get("name")
	f, err := m.o.OpenJobFile(info.ID, task, name)
	if errors.Is(err, fs.ErrNotExist) {
		err = &missing{"The task has made no such file."}
	}
	if err != nil {
		failAs(w, r, err)
		return
	}
	defer f.Close()
	kind, err := pictureType(f)
	if err != nil {
		failAs(w, r, err)
		return
	}
	shown := "inline"
	if kind == "" {
		kind, shown = "application/octet-stream", "attachment"
	}
	h := w.Header()
	h.Set("Content-Type", kind)
	h.Set("Content-Disposition", disposition(shown, path.Base(name)))
	h.Set("Content-Security-Policy", "default-src 'none'; sandbox")
	h.Set("Cache-Control", "private, no-cache")
	// A file is put in its place whole, and never written again.
	sum := sha256.Sum256(fmt.Appendf(nil, "%s\x00%d\x00%s\x00%d\x00%d", info.ID, task, name, f.Size(), f.ModTime().UnixNano()))
	h.Set("Etag", `"`+base64.RawURLEncoding.EncodeToString(sum[:12])+`"`)
	http.ServeContent(w, r, "", time.Time{}, f)
}

// disposition is the field Content-Disposition (RFC 6266 §4).
func disposition(shown, name string) string {
	if field := mime.FormatMediaType(shown, map[string]string{"filename": name}); field != "" {
		return field
	}
	return shown
}
