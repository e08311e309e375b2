package fleet

import "time"

// Holds has tasks held for so long without a sign of their workers.
func (o *Options) Holds(d time.Duration) { o.holds = d }

// ReportEvery has a member report more often.
func (o *MemberOptions) ReportEvery(d time.Duration) { o.every = d }
