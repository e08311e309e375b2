// Package alert decides when somebody is to be told that something is wrong,
// reminded of it, and told that it is over.
//
//	m := alert.New(alert.Options{Rules: alert.Rules(), Server: "edge-1"})
//	for _, n := range m.Step(now, look) { … } // every few seconds
//
// A [Rule] is a row: a figure, a bound, how long it has to be beyond that. The
// figures come from the caller, and so does the time: nothing here reads a clock
// or sends anything. How notices travel is package notify.
//
// What holds:
//
//   - An alert is told once when it is raised, then once in each time of
//     Options.Remind while it lasts, and once when it is over. Each that was told
//     is told to be over, also when its rule is switched off.
//   - It is over when its figure has been well on the right side of the bound for as
//     long as it had to be beyond it, and twice as long for each time that it was
//     raised within a day: what comes and goes is one alert.
//   - What is not known is no news: an alert is neither raised nor over for it, until
//     nothing has been known for a day. A share of few requests is not known.
//   - What clients and others name (hosts, jobs, servers) is cut to a length, and
//     has no control characters: it ends no line and begins no field.
//   - Alerts, notices that are remembered, and subjects of a rule are bounded; what
//     did not fit is counted.
package alert
