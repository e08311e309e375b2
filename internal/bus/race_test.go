//go:build race && !nonats

package bus

const raceEnabled = true
