package config

import (
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"
)

func parseGet(t *testing.T, line ...string) *Get {
	t.Helper()
	c, err := ParseGet(line, nil)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// Command lines as people type them for curl.
func TestGetAsCurl(t *testing.T) {
	c := parseGet(t, "-sSfLo", "out", "-XPUT", "-HA: b", "-H", "C:d", "-m2.5", "--retry-delay", "3", "--connect-timeout=500ms",
		"example.org/[1-2]{a,b}", "-o-", "--no-location", "--no-cache", "-d", "", "--data-urlencode", "a=b c", "--data-raw", "@x", "--", "-u")
	if !c.Silent || !c.ShowErrors || !c.Fail || c.Follow || c.Cache || c.Method != "PUT" || c.MaxTime != 2500*time.Millisecond ||
		c.RetryDelay != 3*time.Second || c.ConnectTimeout != time.Second/2 {
		t.Errorf("%+v", c)
	}
	if want := []string{"A: b", "C:d"}; !slices.Equal(c.Headers, want) {
		t.Errorf("%q", c.Headers)
	}
	if want := []string{"example.org/[1-2]{a,b}", "-u"}; !slices.Equal(c.URLs, want) {
		t.Errorf("%q", c.URLs)
	}
	if want := []GetOutput{{File: "out"}, {File: "-"}}; !reflect.DeepEqual(c.Outputs, want) {
		t.Errorf("%v", c.Outputs)
	}
	if want := []GetPart{{"data", ""}, {"data-urlencode", "a=b c"}, {"data-raw", "@x"}}; !reflect.DeepEqual(c.Body, want) {
		t.Errorf("%v", c.Body)
	}
}

func TestGetDefaults(t *testing.T) {
	c := parseGet(t, "http://a/")
	if !c.Follow || !c.Cache || !c.Meter || c.MaxRedirects != 20 || c.CacheSize != 1<<30 || c.Parallel != 1 || c.ConnectTimeout != 30*time.Second || len(c.Body) != 0 || c.User != "" {
		t.Errorf("%+v", c)
	}
	if c := parseGet(t, "-A", "a", "-A", "b", "-x", "", "http://a/"); c.Agent != "b" || !c.ProxySet || c.Proxy != "" {
		t.Errorf("the last counts: %+v", c)
	}
	for _, tt := range []struct{ flags, min, max string }{{"-1", "", ""}, {"--tlsv1.3", "1.3", ""}, {"--tlsv1.2 --tls-max 1.2", "1.2", "1.2"}, {"--tls-max default", "", ""}} {
		if c := parseGet(t, append(strings.Fields(tt.flags), "http://a/")...); c.TLSMin != tt.min || c.TLSMax != tt.max {
			t.Errorf("%s: %q %q", tt.flags, c.TLSMin, c.TLSMax)
		}
	}
}

func TestGetFaults(t *testing.T) {
	for line, want := range map[string]string{
		"":                           "say what to fetch: freshet get URL",
		"u --colour":                 "unknown flag --colour",
		"u --cookiejar x":            "unknown flag --cookiejar; did you mean --cookie-jar?",
		"u -Y":                       `unknown flag -Y; run "freshet help get" for the list`,
		"u -o":                       "-o needs a value: -o FILE",
		"u --output":                 "--output needs a value: --output FILE",
		"u -d a -F b=c":              "a request has one body; give --data, --form or --upload-file",
		"u -d a -T b":                "a request has one body",
		"u -I -d a":                  "--head has no body",
		"u -C - -r 0-1":              "--continue-at and --range exclude each other",
		"u -C - -OJ":                 "leave out --no-clobber and --remote-header-name",
		"u -C - -i":                  "--include puts heads into the file",
		"u -C x":                     `bad value "x" for --continue-at`,
		"u --offline --refresh":      "--offline and --refresh exclude each other",
		"u --offline --no-cache":     "--offline answers from the cache",
		"u -X b@d":                   `bad value "b@d" for --request: give a method, such as GET`,
		"u --sha256 abc":             "give 64 hexadecimal digits",
		"u --tlsv1.3 --tls-max 1.2":  "leave no version",
		"u --tlsv1.0":                "--tlsv1.0: TLS 1.0 and 1.1 are not spoken (RFC 8996); leave it out: TLS 1.2 or higher is spoken",
		"u --tlsv1.1":                "--tlsv1.1: TLS 1.0 and 1.1 are not spoken",
		"u --tls-max 1.1":            `bad value "1.1" for --tls-max: give default, 1.2 or 1.3`,
		"u -3":                       "-3: SSL is not spoken",
		"u --sslv3":                  "with --tlsv1.3 TLS 1.3 alone",
		"u --ciphers RC4-SHA":        "--ciphers: ciphers are not chosen",
		"--ciphers=RC4-SHA u":        "or give --tlsv1.3",
		"u --ntlm --user a:b":        "--ntlm: logins by Digest and NTLM",
		"u --digest --user a:b":      "give --user alone, which sends Basic, over https",
		"u --sign-components @bogus": "bad value",
		"u -m soon":                  `bad value "soon" for --max-time: give a number of seconds, or a duration such as 500ms or 5m`,
		"u --unix-socket a --abstract-unix-socket b": "exclude each other",
	} {
		_, err := ParseGet(strings.Fields(line), nil)
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %s", line, err, want)
		}
	}
	for _, line := range []string{"-h", "--help", "u -sh"} {
		if _, err := ParseGet(strings.Fields(line), nil); err != ErrHelp {
			t.Errorf("%s: %v", line, err)
		}
	}
}

// Letters are of one flag each.
func TestGetLetters(t *testing.T) {
	seen := map[string]string{}
	for _, f := range getFlags {
		if f.Short != "" && seen[f.Short] != "" {
			t.Errorf("-%s is --%s and --%s", f.Short, seen[f.Short], f.Name)
		}
		seen[f.Short] = f.Name
	}
}
