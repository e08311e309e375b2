package ui

import (
	"bytes"
	"embed"
	"fmt"
	"io"
	"strings"
	"sync"

	template "github.com/DataDog/datadog-agent/pkg/template/html"
)

//go:embed template
var templates embed.FS

// parsed are the templates. They call no methods: see confined in
// internal/layers for why.
var parsed = sync.OnceValue(func() *template.Template {
	funcs := template.FuncMap{
		"asset":  URL,
		"cells":  (*Strip).html,
		"gauge":  (*Gauge).html,
		"grid":   newGrid,
		"input":  Field.Input,
		"kind":   func(s Section) string { return s.part() },
		"lines":  visibleLines,
		"long":   Stat.Long,
		"name":   (*Table).Label,
		"option": Option.Label,
		"plot":   newPlot,
		"rows":   grid.html,
		"show":   visible,
		"window": (*Table).Window,
	}
	return template.Must(template.New("").Funcs(funcs).ParseFS(templates, "template/*.html"))
})

// Page writes a page. It fails when w does; nothing has been written when the
// page itself could not be made.
func Page(w io.Writer, v *View) error {
	b := buffers.Get().(*bytes.Buffer)
	defer func() {
		if b.Cap() <= maxKept {
			b.Reset()
			buffers.Put(b)
		}
	}()
	if err := parsed().ExecuteTemplate(b, "page", newPage(v)); err != nil {
		return fmt.Errorf("draw page %s: %w", v.Path, err)
	}
	_, err := w.Write(b.Bytes())
	return err
}

// maxKept is up to which size a buffer is kept for the next page.
const maxKept = 1 << 20

var buffers = sync.Pool{New: func() any { return new(bytes.Buffer) }}

// page is what the template knows of a page beyond its view.
type page struct {
	*View
	Tab     string // the title of the browser's tab
	Menu    []entry
	Seconds int  // after which it is loaded again
	Charts  bool // it has a chart that scripts draw
}

// entry is a link of the navigation.
type entry struct {
	Link
	Current string // the value of aria-current: "page", "true" on a page below it, or ""
}

func newPage(v *View) page {
	p := page{View: v, Tab: v.Title + " – freshet", Charts: interactive(v.Sections)}
	if v.Host != "" {
		p.Tab = v.Title + " – " + v.Host + " – freshet"
	}
	if v.Refresh > 0 {
		p.Seconds = max(1, int(v.Refresh.Seconds()))
	}
	nav := v.Nav
	if nav == nil {
		nav = DefaultNav()
	}
	for _, l := range nav {
		p.Menu = append(p.Menu, entry{l, current(l.Href, v.Path)})
	}
	return p
}

func current(href, path string) string {
	switch {
	case href == path:
		return "page"
	case href != "/" && strings.HasPrefix(path, href+"/"):
		return "true"
	}
	return ""
}

// interactive tells whether one of the sections is a chart for scripts.
func interactive(sections []Section) bool {
	for _, s := range sections {
		switch s := s.(type) {
		case *Chart:
			if s.Interactive {
				return true
			}
		case *Columns:
			if interactive(s.Sections) {
				return true
			}
		}
	}
	return false
}
