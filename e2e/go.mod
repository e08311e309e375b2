module freshet/e2e

go 1.26.0

require freshet v0.0.0

require (
	github.com/DataDog/datadog-agent/pkg/template v0.85.2 // indirect
	github.com/andybalholm/brotli v1.2.8 // indirect
	github.com/klauspost/compress v1.20.3 // indirect
	golang.org/x/sys v0.49.0 // indirect
)

replace freshet => ../
