// Command freshet puts folders, and a cache in front of other servers, on the web. Run "freshet help" for what it
// takes, or read docs/reference.
package main

import (
	"os"

	"freshet/internal/app"
)

func main() { os.Exit(app.Main()) }
