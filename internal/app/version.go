package app

import (
	"runtime"
	"runtime/debug"
	"strings"
	"sync"
)

// version returns the line of freshet version, from what the Go tool noted in
// the binary.
var version = sync.OnceValue(func() string {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return "freshet, built with " + runtime.Version()
	}
	return describe(info)
})

func describe(info *debug.BuildInfo) string {
	release := info.Main.Version
	if release == "" {
		release = "(devel)"
	}
	parts := []string{"freshet " + release, info.GoVersion + " " + runtime.GOOS + "/" + runtime.GOARCH}
	settings := map[string]string{}
	for _, s := range info.Settings {
		settings[s.Key] = s.Value
	}
	if revision := settings["vcs.revision"]; revision != "" {
		text := "revision " + revision[:min(len(revision), 12)]
		if at := settings["vcs.time"]; at != "" {
			text += " of " + at
		}
		if settings["vcs.modified"] == "true" {
			text += ", modified"
		}
		parts = append(parts, text)
	}
	return strings.Join(parts, ", ")
}
