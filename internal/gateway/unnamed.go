package gateway

import "os"

// removed opens a file and removes its name at once; where a file that is open
// cannot lose its name, the name is returned.
func removed(dir string) (f *os.File, name string, err error) {
	f, err = os.CreateTemp(dir, "freshet-body-*")
	if err != nil {
		return nil, "", err
	}
	if os.Remove(f.Name()) != nil {
		name = f.Name()
	}
	return f, name, nil
}
