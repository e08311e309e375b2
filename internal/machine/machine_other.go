//go:build !linux

package machine

func readLoad() (load [3]float64, ok bool) { return load, false }

func readMemory() (total, available int64) { return 0, 0 }

func readResident() int64 { return 0 }

func readDisk(string) (total, free int64, ok bool) { return 0, 0, false }
