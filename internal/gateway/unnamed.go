package gateway

import "os"

// removed opens a file and removes its name at once, where that can be done.
func removed(dir string) (*os.File, error) {
	f, err := os.CreateTemp(dir, "freshet-body-*")
	if err != nil {
		return nil, err
	}
	os.Remove(f.Name())
	return f, nil
}
