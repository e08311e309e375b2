package config

import "testing"

// Components that no request has are refused, at the start, by servers and by who
// signs.
func TestRequestComponents(t *testing.T) {
	for text, want := range map[string]string{
		"@method": `"@method"`, "content-digest": `"content-digest"`, `"@query-param";name="req"`: `"@query-param";name="req"`, "x-any": `"x-any"`,
		"@bogus": "", "@status": "", "@method;req": "", `"x-a";bs;req`: "", "": "",
	} {
		if got, err := parseRequestComponent(text); got != want || (err == nil) != (want != "") {
			t.Errorf("%s: %q, %v; want %q", text, got, err, want)
		}
	}
	for _, name := range []string{"signature-components", "sign-components"} {
		found := false
		for _, command := range []string{"serve", "get"} {
			for _, f := range CommandNamed(command).Flags {
				found = found || f.Name == name && f.Kind == Component
			}
		}
		if !found {
			t.Errorf("--%s is not read so", name)
		}
	}
}
