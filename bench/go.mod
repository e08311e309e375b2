module freshet/bench

go 1.26
