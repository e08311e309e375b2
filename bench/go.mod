module freshet/bench

go 1.26.0

require freshet v0.0.0

require golang.org/x/sys v0.49.0

replace freshet => ../
