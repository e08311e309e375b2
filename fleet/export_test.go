package fleet

import "time"

// ReportEvery has a member report more often.
func (o *MemberOptions) ReportEvery(d time.Duration) { o.every = d }
