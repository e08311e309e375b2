package monitor

import (
	"net/http"

	"freshet/internal/cookierule"
	"freshet/internal/monitor/ui"
)

// cookieChoices are what can be chosen for the cookies of a site.
var cookieChoices = []struct{ policy, button, note string }{
	{"allow", "Allow", "All cookies of the site pass, those too that it sets on pages of others."},
	{"no-third-party", "Own pages only", "The site has its cookies on its own pages alone."},
	{"session", "For the session", "They pass, and live until the browser ends."},
	{"refuse", "Refuse", "None passes. Logins there will not work."},
	{forget, "Forget", "What was chosen, and what is known of its cookies, is forgotten; the rules decide. Browsers keep the cookies that they have."},
}

const forget = "forget"

// chooseView asks what is to become of the cookies of a site.
func chooseView(m *Monitor, q *query) (*ui.View, error) {
	if m.o.Filter == nil {
		return nil, errNoFilter
	}
	site := cookierule.Site(q.get("site"))
	if site == "" {
		return nil, &missing{"Name a site."}
	}
	v := &ui.View{Title: "Cookies of " + ui.Visible(site), Path: "/cookies/choose", Up: toCookies}
	for _, c := range cookieChoices {
		f := &ui.Form{Action: "/cookies/choose", Post: true, Submit: c.button, Danger: c.policy == forget, Hidden: []ui.Value{{Name: "site", Value: site}, {Name: "policy", Value: c.policy}}}
		f.Note = c.note
		v.Sections = append(v.Sections, f)
	}
	return v, nil
}

// chooseAct does it.
func chooseAct(m *Monitor, w http.ResponseWriter, r *http.Request) {
	if m.o.Filter == nil {
		failAs(w, r, errNoFilter)
		return
	}
	site, policy := cookierule.Site(r.PostForm.Get("site")), r.PostForm.Get("policy")
	if _, err := cookierule.ParsePolicy(policy); site == "" || err != nil && policy != forget {
		fail(w, r, http.StatusBadRequest, "Give a site, and a policy or "+forget+".")
		return
	}
	text := "What is known of " + ui.Visible(site) + " is forgotten; the rules decide on its cookies."
	var err error
	if policy == forget {
		err = m.o.Filter.ForgetCookies(site)
	} else {
		err = m.o.Filter.ChooseCookies(site, policy)
		text = "For the cookies of " + ui.Visible(site) + " holds from now on: " + policy + "."
	}
	if err != nil {
		fail(w, r, http.StatusInternalServerError, "It was not done, or holds until the server ends: "+err.Error()+".")
		return
	}
	m.sendDone(w, r, "Chosen", text, toCookies)
}
