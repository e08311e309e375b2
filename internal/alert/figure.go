package alert

import "strings"

// A Figure is something that rules look at. Besides these there are the gauges
// of the monitor, by their names, and with _percent behind it the share that one
// has of its limit.
type Figure struct {
	Name string
	Unit Unit
	Of   string // what has one each; "" : there is one
	Help string // a sentence without full stop
}

// Figures are those that are made for rules.
var Figures = []Figure{
	{"request_rate", Plain, "", "Requests in a second, over the last minute"},
	{"byte_rate", Bytes, "", "Bytes of bodies in a second, over the last minute"},
	{"error_ratio", Percent, "", "Share of answers with 5xx, over the last five minutes"},
	{"hit_ratio", Percent, "", "Share of hits in what caches were asked for, over the last five minutes"},
	{"hit_ratio_drop", Percent, "", "How many points that is below the share of the last day"},
	{"latency_p50", Seconds, "", "Median of the time that requests take, over the last five minutes"},
	{"latency_p99", Seconds, "", "Time that one request in a hundred takes longer than, over the last five minutes"},
	{"origin_error_ratio", Percent, "origin", "Share of failures among the requests sent to an origin, over the last five minutes; what clients broke off is left out"},
	{"origin_wait", Seconds, "origin", "Time that one answer in twenty of an origin takes longer than to begin, over the last five minutes"},
	{"origin_down", Plain, "origin", "1 while an origin is left out because it failed"},
	{"certificate_left", Seconds, "certificate", "Time until a certificate that is served ends"},
	{"certificate_failing", Plain, "name", "1 while a certificate by ACME cannot be obtained or renewed, or the files of one do not load and the previous one is served"},
	{"key_file_failing", Plain, "file", "1 while the file of --encrypt has changed and is refused, and the keys before it hold"},
	{"disk_free", Percent, "folder", "Share of the disk of a folder that is free: of the data folder, of that of the queue, of that for bodies of requests to programs"},
	{"memory_free", Percent, "", "Share of the machine's memory that is free"},
	{"job_dead", Plain, "job", "Tasks of a job that failed or are dead, for a day after its end"},
	{"job_wait", Seconds, "job", "Time that a job waits, not paused, without having run"},
	{"server_away", Seconds, "server", "Time that a server of the fleet has not been heard of"},
	{"purge_wait", Seconds, "server", "Age of the oldest purge that a server of the fleet has not confirmed"},
	{"queue_away", Plain, "", "1 while the queue of jobs does not answer"},
}

// unitOf returns the unit of a figure, if it is known here.
func unitOf(name string) (Unit, bool) {
	for _, f := range Figures {
		if f.Name == name {
			return f.Unit, true
		}
	}
	return Percent, strings.HasSuffix(name, "_percent")
}
