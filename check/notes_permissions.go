package check

import (
	"slices"
	"strings"

	"freshet/internal/field"
)

const (
	permissionsField = "Permissions-Policy"
	referrerField    = "Referrer-Policy"
)

// retiredFeatures are those that browsers had once.
var retiredFeatures = []string{
	"interest-cohort", "vr", "speaker", "vibrate", "push", "notifications", "document-domain", "document-write",
	"unsized-media", "oversized-images", "legacy-image-formats", "layout-animations", "font-display-late-swap",
	"trust-token-redemption", "conversion-measurement", "wake-lock",
}

// allowlist returns what a member of Permissions-Policy allows.
func (m *sfMember) allowlist() []sfMember {
	if m.Kind == field.Inner {
		return m.List
	}
	return []sfMember{*m}
}

// permissions calls f for each entry of each allowlist of the answer.
func (s *subject) permissions(f func(name, feature string, entry *sfMember)) {
	for _, name := range []string{permissionsField, permissionsField + reportOnly} {
		for _, m := range s.sf(name) {
			for _, entry := range m.allowlist() {
				f(name, m.Key, &entry)
			}
		}
	}
}

// referrerPolicies are the values of Referrer-Policy.
var referrerPolicies = []string{
	"no-referrer", "no-referrer-when-downgrade", "same-origin", "origin", "strict-origin", "origin-when-cross-origin",
	"strict-origin-when-cross-origin", "unsafe-url",
}

// referrerPolicy returns the policy that counts: the last that is known.
func (s *subject) referrerPolicy() string {
	policy := ""
	for _, v := range s.list(referrerField) {
		if v = strings.ToLower(v); slices.Contains(referrerPolicies, v) {
			policy = v
		}
	}
	return policy
}

// permissionNotes are about Permissions-Policy and Referrer-Policy.
var permissionNotes = []Note{
	{
		ID: "permission-token-unknown", Severity: Warn,
		Sentence: "an allowlist has a word that is neither self, src nor *, and browsers ignore it",
		Clause:   "Permissions Policy", Remedy: "write () for nobody, self for the page's origin, and other origins in quotes",
		Fires:  Example{Response: "HTTP/1.1 200 OK\nPermissions-Policy: camera=none\n\n"},
		Silent: Example{Response: "HTTP/1.1 200 OK\nPermissions-Policy: camera=(), geolocation=(self \"https://maps.example\"), fullscreen=*\n\n"},
		find: func(x *subject, report func(where, detail string)) {
			x.permissions(func(name, feature string, entry *sfMember) {
				if entry.Kind == field.Token && !slices.Contains([]string{"self", "src", "*"}, entry.Text) {
					report(of(name), feature+"="+entry.Text)
				}
			})
		},
	},
	{
		ID: "permission-origin-invalid", Severity: Warn,
		Sentence: "an allowlist has a string that is no origin, and browsers ignore it",
		Clause:   "Permissions Policy", Remedy: `write self without quotes, and origins with their scheme, as in "https://maps.example"`,
		Fires:  Example{Response: "HTTP/1.1 200 OK\nPermissions-Policy: geolocation=(\"self\" \"maps.example\")\n\n"},
		Silent: Example{Response: "HTTP/1.1 200 OK\nPermissions-Policy: geolocation=(self \"https://*.maps.example\")\n\n"},
		find: func(x *subject, report func(where, detail string)) {
			x.permissions(func(name, feature string, entry *sfMember) {
				if entry.Kind == field.String && !isOrigin(strings.Replace(strings.TrimSuffix(entry.Text, "/"), "://*.", "://", 1)) {
					report(of(name), feature+": "+entry.Text)
				}
			})
		},
	},
	{
		ID: "permission-retired", Severity: Info,
		Sentence: "a feature is named that browsers do not have any more",
		Clause:   "Permissions Policy", Remedy: "leave it out",
		Fires:  Example{Response: "HTTP/1.1 200 OK\nPermissions-Policy: interest-cohort=()\n\n"},
		Silent: Example{Response: "HTTP/1.1 200 OK\nPermissions-Policy: browsing-topics=()\n\n"},
		find: func(x *subject, report func(where, detail string)) {
			for _, name := range []string{permissionsField, permissionsField + reportOnly} {
				for _, m := range x.sf(name) {
					if slices.Contains(retiredFeatures, m.Key) {
						report(of(name), m.Key)
					}
				}
			}
		},
	},
	{
		ID: "feature-policy-beside", Severity: Info, Relates: true,
		Sentence: "Feature-Policy names a feature that Permissions-Policy does not, and browsers with the new field do not read the old one for it",
		Clause:   "Permissions Policy", Remedy: "name the feature in Permissions-Policy, and leave Feature-Policy out",
		Fires:  Example{Response: "HTTP/1.1 200 OK\nFeature-Policy: camera 'none'; usb 'none'\nPermissions-Policy: camera=()\n\n"},
		Silent: Example{Response: "HTTP/1.1 200 OK\nFeature-Policy: camera 'none'\nPermissions-Policy: camera=()\n\n"},
		find: func(x *subject, report func(where, detail string)) {
			policy := x.sf(permissionsField)
			if policy == nil {
				return
			}
			for part := range strings.SplitSeq(x.get("Feature-Policy"), ";") {
				words := strings.Fields(part)
				if len(words) > 0 && sfFind(policy, words[0]) == nil {
					report(of("Feature-Policy"), words[0])
				}
			}
		},
	},
	{
		ID: "referrer-policy-invalid", Severity: Warn,
		Sentence: "Referrer-Policy has no policy that browsers know, and they ignore it",
		Clause:   "Referrer Policy", Remedy: "send strict-origin-when-cross-origin, or another policy that there is",
		Fires:  Example{Response: "HTTP/1.1 200 OK\nReferrer-Policy: origin-when-crossorigin\n\n"},
		Silent: Example{Response: "HTTP/1.1 200 OK\nReferrer-Policy: origin-when-cross-origin\n\n"},
		find: func(x *subject, report func(where, detail string)) {
			if v := x.get(referrerField); trimSpace(v) != "" && x.referrerPolicy() == "" {
				report(of(referrerField), v)
			}
		},
	},
	{
		ID: "referrer-policy-unknown", Severity: Info,
		Sentence: "Referrer-Policy has a policy that browsers do not know; they take another one of the list",
		Clause:   "Referrer Policy", Remedy: "leave it out unless some browser needs it",
		Fires:  Example{Response: "HTTP/1.1 200 OK\nReferrer-Policy: never, no-referrer\n\n"},
		Silent: Example{Response: "HTTP/1.1 200 OK\nReferrer-Policy: no-referrer, strict-origin-when-cross-origin\n\n"},
		find: func(x *subject, report func(where, detail string)) {
			known := x.referrerPolicy() != ""
			for _, v := range x.list(referrerField) {
				if known && !anyFold(referrerPolicies, v) {
					report(of(referrerField), v)
				}
			}
		},
	},
	{
		ID: "referrer-policy-unsafe", Severity: Info,
		Sentence: "the whole URL of the page is told to every site that it links to, also over http",
		Clause:   "Referrer Policy", Remedy: "send strict-origin-when-cross-origin",
		Fires:  Example{Response: "HTTP/1.1 200 OK\nReferrer-Policy: unsafe-url\n\n"},
		Silent: Example{Response: "HTTP/1.1 200 OK\nReferrer-Policy: unsafe-url, same-origin\n\n"},
		find: func(x *subject, report func(where, detail string)) {
			if x.referrerPolicy() == "unsafe-url" {
				report(of(referrerField), "")
			}
		},
	},
	{
		ID: "page-unprotected", Severity: Info,
		Sentence: "the page does without fields that protect its visitors",
		Clause:   "", Remedy: "send Content-Security-Policy with frame-ancestors, and X-Content-Type-Options: nosniff",
		Fires:  Example{Response: "HTTP/1.1 200 OK\nContent-Type: text/html\n\n"},
		Silent: Example{Response: "HTTP/1.1 200 OK\nContent-Type: text/html\nContent-Security-Policy: frame-ancestors 'self'\nX-Content-Type-Options: nosniff\n\n"},
		find: func(x *subject, report func(where, detail string)) {
			if !x.page() || x.Status != 200 {
				return
			}
			var missing []string
			if !x.has(cspField) {
				missing = append(missing, "Content-Security-Policy")
			}
			if x.framedBy() == nil && !x.has("X-Frame-Options") {
				missing = append(missing, "frame-ancestors")
			}
			if !x.nosniff() {
				missing = append(missing, "nosniff")
			}
			if len(missing) > 0 {
				report("the answer", "no "+strings.Join(missing, ", "))
			}
		},
	},
}
