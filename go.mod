module freshet

go 1.26
