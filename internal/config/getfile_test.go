package config

import (
	"errors"
	"slices"
	"strings"
	"testing"
)

// files are those that --config may name.
type files map[string]string

func (f files) read(name string) ([]byte, error) {
	text, ok := f[name]
	if !ok {
		return nil, errors.New("no such file")
	}
	return []byte(text), nil
}

func TestGetConfigFile(t *testing.T) {
	f := files{"a": "\ufeff# a comment\r\n\n" +
		"silent\r\n" +
		"  user-agent = \"a \\\"b\\\"\\t\\\\c\" # said so\n" +
		"header: Accept-Language:de\n" +
		"-H \"X: y\"\n" +
		"--max-redirs 3\n" +
		"-fS\n" +
		"no-location\n" +
		"referer = \"\"\n" +
		"url=http://a/?b=c:d\n" +
		"output\tout\n" +
		"config = b\n",
		"b": "url = http://b/\nuser-agent other"}
	c, err := ParseGet([]string{"http://c/", "-A", "first", "-K", "a", "-e", "last", "-o-"}, f.read)
	if err != nil {
		t.Fatal(err)
	}
	if !c.Silent || !c.Fail || !c.ShowErrors || c.Follow || c.MaxRedirects != 3 || c.Agent != "other" || c.Referer != "last" {
		t.Errorf("%+v", c)
	}
	if want := []string{"Accept-Language:de", "X: y"}; !slices.Equal(c.Headers, want) {
		t.Errorf("%q", c.Headers)
	}
	if want := []string{"http://c/", "http://a/?b=c:d", "http://b/"}; !slices.Equal(c.URLs, want) {
		t.Errorf("%q", c.URLs)
	}
	if want := []GetOutput{{File: "out"}, {File: "-"}}; !slices.Equal(c.Outputs, want) {
		t.Errorf("%v", c.Outputs)
	}
	f["q"] = `user-agent "a \"b\"\t\\c"`
	if c, err := ParseGet([]string{"u", "--config=q"}, f.read); err != nil || c.Agent != "a \"b\"\t\\c" {
		t.Errorf("%q, %v", c.Agent, err)
	}
}

func TestGetConfigFaults(t *testing.T) {
	for text, want := range map[string]string{
		"\nnothing = 1":        "f:2: unknown flag --nothing",
		"-Y":                   "f:1: unknown flag -Y",
		"-Y a":                 "f:1: -Y is not one letter of a flag that has a value",
		"-sS a":                "f:1: -sS is not one letter",
		"-s a":                 `bad value "a" for --silent`,
		"silent = maybe":       `bad value "maybe" for --silent`,
		"output":               "f:1: --output needs a value: --output FILE",
		"user-agent = a b":     `f:1: "b" follows the value; put a value with white space in double quotes`,
		"user-agent = \"a":     "f:1: the quote of \"a\" is not closed",
		"user-agent = \"a\" b": `f:1: "b" follows the value`,
		"= a":                  `f:1: there is no option in front of "a"`,
		"config = g":           "f:1: --config g: no such file",
		"config = f":           "more than 10 files, each named by the one before",
	} {
		_, err := ParseGet([]string{"u", "-K", "f"}, files{"f": text}.read)
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v, want %s", text, err, want)
		}
	}
	if _, err := ParseGet([]string{"u", "-K", "f"}, files{"f": "help"}.read); err != ErrHelp {
		t.Errorf("help: %v", err)
	}
}

func FuzzGetConfigFile(f *testing.F) {
	f.Add("silent\nuser-agent = \"a\\\"b\"\n-o x\nurl: y # z")
	f.Fuzz(func(t *testing.T, text string) {
		c, err := ParseGet([]string{"u", "-K", "f"}, files{"f": text}.read)
		if (c == nil) == (err == nil) {
			t.Errorf("%v, %v", c, err)
		}
	})
}
