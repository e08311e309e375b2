package monitor

// pages are all pages. Those with a table have it as JSON, CSV and Prometheus
// text, too.
var pages = []page{
	{path: "/", view: overviewView, table: overviewTable},
	{path: "/series", view: seriesView, table: seriesTable, past: true},
	{path: "/verdicts", table: verdictsTable},
	{path: "/statuses", table: statusesTable},
	{path: "/requests", view: requestsView, table: requestsTable},
	{path: "/why", view: whyView},
	{path: "/why/", named: true, view: whyEntryView},
	{path: "/cache", view: cacheView, table: cacheTable},
	{path: "/cache/object", view: objectView, table: variantsTable},
	{path: "/cache/misses", view: missesView, table: missesTable},
	{path: "/cache/purge", view: purgeView, act: purgeAct},
	{path: "/programs", view: programsView, table: programsTable},
	{path: "/programs/stop", view: stopView, act: stopAct},
	{path: "/pools", table: poolsTable},
	{path: "/filter", view: filterView, table: cutsTable},
	{path: "/filter/sites", table: cutSitesTable},
	{path: "/filter/allowed", table: allowedTable},
	{path: "/filter/lists", table: listsTable},
	{path: "/filter/unsupported", table: unsupportedTable},
	{path: "/filter/allow", view: allowView, act: allowAct},
	{path: "/filter/forbid", view: forbidView, act: forbidAct},
	{path: "/origins", view: originsView, table: originsTable},
	{path: "/routes", table: routesTable},
	{path: "/check", view: checkView, own: true},
	{path: "/config", view: settingsView, table: settingsTable},
	{path: "/jobs", view: fleetView("Jobs", "Here the jobs of a fleet of servers are listed."), table: fleetTable("jobs", "job", "state")},
	{path: "/servers", view: fleetView("Servers", "Here the servers of a fleet are listed."), table: fleetTable("servers", "server", "state")},
	{path: "/messages", view: fleetView("Messages", "Here the messages of a fleet of servers are listed."), table: fleetTable("messages", "time", "text")},
}
