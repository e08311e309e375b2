package config

import (
	"reflect"
	"strings"
	"testing"
)

// Numbers by a name: on the command line one by one, in a file a table.
func TestNamed(t *testing.T) {
	want := map[string]int64{"render": 4, "mail/out": 1}
	c, err := ParseServe([]string{"--pool-limit", "render=4", "--pool-limit=mail/out=1", "--share", "ada=2"}, nil)
	if err != nil || !reflect.DeepEqual(c.Server.Jobs.Limits, want) || c.Server.Jobs.Shares["ada"] != 2 {
		t.Errorf("%v %v", err, c)
	}
	c, err = ParseServe(nil, []string{"FRESHET_POOL_LIMIT=render=3"})
	if err != nil || c.Server.Jobs.Limits["render"] != 3 {
		t.Errorf("%v %v", err, c)
	}
	const site = "\n[[site]]\n[[site.route]]\nstatic = '.'\n"
	for _, text := range []string{
		"[server]\npool-limit = { render = 4, 'mail/out' = 1 }",
		"[server.pool-limit]\nrender = 4\n'mail/out' = 1",
		"[server]\npool-limit = ['render=4', 'mail/out=1']",
	} {
		if f := parse(t, text+site); !reflect.DeepEqual(f.Server.Jobs.Limits, want) {
			t.Errorf("%s: %v", text, f.Server.Jobs.Limits)
		}
	}
	for _, bad := range []string{"render", "=3", "render=", "render=x", "render=0", "render=-1", "render=1000001", "a\nb=1"} {
		if _, err := ParseServe([]string{"--pool-limit", bad}, nil); err == nil {
			t.Errorf("%q is taken", bad)
		}
	}
	for text, says := range map[string]string{
		"pool-limit = { render = 'x' }":     "bad value \"render=x\" for pool-limit",
		"pool-limit = { render = [1] }":     "pool-limit",
		"pool-limit = { render = { a=1 } }": "pool-limit",
		"pool-limit = 4":                    "pool-limit is a number here; give { render = 4 }",
		"share = { ada = 5000 }":            "share",
	} {
		if _, err := ParseFile("f.toml", []byte("[server]\n"+text+site)); err == nil || !strings.Contains(err.Error(), says) {
			t.Errorf("%s: %v", text, err)
		}
	}
	is, was := parse(t, "[server]\npool-limit = { render = 4 }"+site), parse(t, "[server]"+site)
	if keys := NeedRestart(was, is); keys != nil {
		t.Errorf("a restart for %v", keys)
	}
}
