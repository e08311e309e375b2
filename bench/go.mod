module freshet/bench

go 1.26.0

require freshet v0.0.0

require golang.org/x/sys v0.49.0

require golang.org/x/net v0.62.0 // indirect

replace freshet => ../
