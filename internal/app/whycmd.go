package app

import (
	"context"
	"net/url"
	"strconv"
	"strings"

	"freshet/internal/config"
)

// why asks a running server why, and prints what it says.
func (e *Env) why(args []string) int {
	c, err := config.ParseWhy(args, e.Environ)
	if err != nil {
		return e.misused("why", err)
	}
	return e.result(askWhy(e, c))
}

func askWhy(e *Env, c *config.Why) error {
	client, err := reach(e, &c.Reach, c.URL)
	if err != nil {
		return err
	}
	form, q := ".txt", url.Values{}
	if c.JSON {
		form = ".json"
	}
	path := "/why" + form
	if c.ID != "" {
		path = "/why/" + c.ID + form
	} else {
		q = url.Values{"url": {c.URL}, "method": {c.Method}, "field": c.Fields}
	}
	if columns := columnsOf(e.Environ); columns > 0 {
		q.Set("width", strconv.Itoa(columns))
	}
	text, err := client.Get(context.Background(), path, q)
	if err != nil {
		return err
	}
	_, err = e.Stdout.Write(text)
	return err
}

// columnsOf returns how wide the terminal is, as far as that helps reading; 0
// when it is not known.
func columnsOf(environ []string) int {
	const least, most = 60, 120
	for _, e := range environ {
		if text, ok := strings.CutPrefix(e, "COLUMNS="); ok {
			if n, err := strconv.Atoi(text); err == nil && n > 0 {
				return min(max(n, least), most)
			}
		}
	}
	return 0
}
