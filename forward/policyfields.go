package forward

// What is taken off requests, and what is not. Nothing else is touched by
// default:
//
//	Cookie, Set-Cookie   those of third parties; see Policy.Cookies
//	Referer              shortened to other sites; see Policy.Referrer
//	Sec-GPC              set to 1; DNT is left alone: few users send it
//	identifiers          dropped: servers have no use for them but to know who asks
//	high-entropy hints   dropped: a page works without them, for most browsers
//	                     send none
//
// Origin stays whatever the policy: servers decide by it whether a request is
// forged. So do User-Agent, Accept-Language and the three hints that every
// Chromium sends, without which pages would look different.

// identifiers tell who or what asks, beyond what a page needs.
var identifiers = [...]string{
	"X-Client-Data",                                                   // which variations of Chrome are installed
	"X-Chrome-Uma-Enabled",                                            // the same, of long ago
	"From",                                                            // the user's address (RFC 9110 §10.1.2)
	"Sec-Browsing-Topics",                                             // what the user is interested in
	"Attribution-Reporting-Eligible", "Attribution-Reporting-Support", // which advertisement was seen
	"Sec-Ad-Auction-Fetch", "Sec-Shared-Storage-Writable",
	"X-Uidh", "X-Acr", "X-Msisdn", "X-Up-Subno", "X-Wap-Msisdn", "X-Nokia-Msisdn", "X-Up-Calling-Line-Id", // what mobile networks add
	"X-Network-Info", "X-Wap-Network-Client-Msisdn",
	"X-Wap-Profile", "X-Att-Deviceid", // the device
}

// lowEntropy are hints that every Chromium sends to every server.
var lowEntropy = [...]string{"Sec-Ch-Ua", "Sec-Ch-Ua-Mobile", "Sec-Ch-Ua-Platform"}

// agentHints say more of the browser than User-Agent.
var agentHints = [...]string{
	"Sec-Ch-Ua-Arch", "Sec-Ch-Ua-Bitness", "Sec-Ch-Ua-Form-Factors", "Sec-Ch-Ua-Full-Version", "Sec-Ch-Ua-Full-Version-List",
	"Sec-Ch-Ua-Model", "Sec-Ch-Ua-Platform-Version", "Sec-Ch-Ua-Wow64",
}

// machineHints describe the screen, the memory and the line.
var machineHints = [...]string{
	"Sec-Ch-Device-Memory", "Device-Memory", "Sec-Ch-Dpr", "Dpr", "Sec-Ch-Width", "Width", "Sec-Ch-Viewport-Width", "Viewport-Width",
	"Sec-Ch-Viewport-Height", "Viewport-Height", "Rtt", "Downlink", "Ect",
}

// preferences are what a user set for all pages: they change how those look.
var preferences = [...]string{"Sec-Ch-Prefers-Color-Scheme", "Sec-Ch-Prefers-Reduced-Motion", "Sec-Ch-Prefers-Reduced-Transparency", "Sec-Ch-Forced-Colors", "Save-Data"}

// droppedFields returns the fields that are dropped, by their canonical names,
// and what is said of it. other says that User-Agent will be another one.
func droppedFields(hints string, other bool) map[string]string {
	all := map[string]string{}
	for _, name := range identifiers {
		all[name] = name + " removed"
	}
	add := func(names []string) {
		for _, name := range names {
			all[name] = "client hints removed"
		}
	}
	if other || hints != "keep" {
		add(agentHints[:])
	}
	if other || hints == "drop" {
		add(lowEntropy[:])
	}
	if hints != "keep" {
		add(machineHints[:])
	}
	if hints == "drop" {
		add(preferences[:])
	}
	return all
}
