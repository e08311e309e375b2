//go:build !nonats && !linux

package bus

// Only Linux has the test.
const fullDirVar = "FRESHET_BUS_FULL_DIR"

func appendUntilFull() {}
