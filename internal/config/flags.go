package config

import "slices"

// A Flag is one row of the table: all that is known about it.
type Flag struct {
	Name    string // without dashes
	Short   string // another name of one letter
	Key     string // its name in a file, when that differs
	Kind    Kind
	Value   string   // what its value is called in help texts; "" for switches
	Default string   // in the form that a user would type; "" means unset
	Min     int64    // of numbers and sizes; durations in nanoseconds
	Max     int64    // 0: no bound
	Unit    string   // of plain numbers
	Choices []string // of Choice and Set
	Off     bool     // "off" is accepted
	OffIs   string   // what that means, when not "no limit"
	Repeat  bool
	Group   string
	Doc     string // sentences
	Example string // a value for the example file, of rows without a default
	Restart bool   // a change in the file is obeyed at the next start only

	bare  bool                // it has no variable of the environment
	shown func(string) string // what lists show of a value; nil: all of it
	field func(*sections) any // pointer to where the value goes
}

// Env returns the name of the flag's environment variable, "" if it has none.
func (f *Flag) Env() string {
	if f.bare {
		return ""
	}
	return envName(f.Name)
}

// key is the row's name in a file.
func (f *Flag) key() string {
	if f.Key != "" {
		return f.Key
	}
	return f.Name
}

// offIs says what "off" means.
func (f *Flag) offIs() string {
	if f.OffIs != "" {
		return f.OffIs
	}
	return "no limit"
}

// The groups in the order of the help text.
const (
	groupFile      = "Configuration"
	groupPurge     = "Purge"
	groupReach     = "Server"
	groupRequests  = "Requests"
	groupPages     = "Pages"
	groupReport    = "Report"
	groupSite      = "Site"
	groupRoute     = "Route"
	groupHeaders   = "Fields of answers"
	groupAddresses = "Addresses"
	groupFiles     = "Files"
	groupAccess    = "Who may go where"
	groupLists     = "Lists"
	groupOrigins   = "Origins"
	groupPrograms  = "Programs"
	groupJobs      = "Jobs"
	groupGuards    = "Who may pass"
	groupLinks     = "Links"
	groupKeys      = "Keys"
	groupStore     = "Cache"
	groupAtRest    = "Encryption at rest"
	groupAnswers   = "Answers"
	groupLogs      = "Logs"
	groupClients   = "Old clients"
	groupLimits    = "Limits"
	groupTimes     = "Time limits"
)

const (
	second = int64(1e9)
	minute = 60 * second
	day    = 24 * 60 * minute
	kib    = int64(1 << 10)
	mib    = int64(1 << 20)
)

// A command's flags are put together from the tables of what it does.
var (
	serveFlags  = slices.Concat(addressFlags, httpsFlags, folderFlags, serveDataFlags, encryptFlags, programPaths, programFlags, accessFlags, trustFlags, clientCertFlags, guardFlags, signatureFlags, contentFlags, pageFlags, jobServerRows, logFlags, clientFlags, limitFlags, timeFlags)
	proxyFlags  = slices.Concat(addressFlags, httpsFlags, originFlags, originTimeFlags, cachingFlags, storeFlags, encryptFlags, accessFlags, clientCertFlags, guardFlags, signatureFlags, pageFlags, jobServerRows, logFlags, clientFlags, limitFlags, timeFlags)
	filterFlags = slices.Concat(filterAddresses, accessRows, inspectRows, listRows, policyRows, cachingFlags, storeFlags, encryptFlags, pageFlags, jobServerRows, logFlags, clientFlags, limitFlags, timeFlags)
	runFlags    = slices.Concat(configFlags, serverFlags)
	purgeFlags  = slices.Concat(purgeRows, reachFlags)
	whyFlags    = slices.Concat(whyRows, reachFlags)
	topFlags    = slices.Concat(topRows, reachFlags)

	serverFlags = slices.Concat(addressFlags, storeFlags, encryptFlags, pageFlags, jobServerRows, logFlags, clientFlags, limitFlags, timeFlags)
	folderRows  = slices.Concat(folderFlags, contentFlags, trustFlags)
	originRows  = slices.Concat(originFlags, originTimeFlags, cachingFlags)
	cgiRows     = slices.Concat(cgiFlags, programFlags, cachingFlags)
	fastcgiRows = slices.Concat(fastcgiFlags, cachingFlags)
)

// lenient is where --lenient puts its words.
type lenient struct{ lf, fold *bool }
