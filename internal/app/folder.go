package app

import (
	"os"
	"path/filepath"

	"freshet/internal/config"
	"freshet/static"
)

// openFolder returns an opener of the folder that a command line names.
func openFolder(c *config.Serve) opener {
	return func(w *within) (content, error) {
		if len(c.CGI) > 0 || len(c.Programs.Extensions) > 0 {
			return openPrograms(c, w)
		}
		h, err := newFolder(c.Dir, &c.Files, nil, w)
		if err != nil {
			return content{}, err
		}
		return content{name: folderName(c.Dir), handler: h, hot: h, close: h.Close, data: c.Data, explain: folderExplains{h}, folders: newFolders(h), given: c.Given,
			command: "serve", does: "static " + c.Dir}, nil
	}
}

// folderName is what people are told that is served.
func folderName(dir string) string {
	if dir == "." {
		if abs, err := filepath.Abs(dir); err == nil {
			return abs
		}
	}
	return dir
}

// newFolder returns the handler of a folder. programs, when not nil, tells which
// of its files are never sent.
func newFolder(dir string, c *config.Files, programs func(name string) bool, w *within) (*static.Handler, error) {
	if err := checkFolder(dir); err != nil {
		return nil, err
	}
	if c.SPA != "" {
		if _, err := os.Stat(filepath.Join(dir, filepath.FromSlash(c.SPA))); err != nil {
			w.log.Warn("the page of --spa cannot be read yet", "page", c.SPA, "err", cause(err))
		}
	}
	listing := static.ListingOn
	if !c.Listing {
		listing = static.ListingOff
	}
	return static.New(static.Options{
		Root:           dir,
		Memory:         c.Memory,
		Coherence:      c.Coherence,
		Index:          c.Index,
		Listing:        listing,
		SPA:            c.SPA,
		CleanURLs:      c.CleanURLs,
		Hidden:         c.Hidden,
		FollowSymlinks: c.FollowSymlinks,
		Cache:          cachePolicy(c.Cache),
		MIME:           c.MIME,
		NoCompress:     !c.Compress,
		Programs:       programs,
		ErrorPages:     w.pages,
		ErrorLog:       w.log,
	})
}

func cachePolicy(c config.Cache) static.CachePolicy {
	switch c.Mode {
	case config.CacheAuto:
		return static.Auto
	case config.CacheFor:
		return static.CachePolicy(c.For)
	case config.CacheOff:
		return static.NoPolicy
	}
	return static.Revalidate
}
