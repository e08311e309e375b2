package app

import (
	"fmt"
	"log/slog"
	"time"

	"freshet/internal/atrest"
	"freshet/internal/authority"
	"freshet/internal/follow"
)

// openRing returns the keys in a file, which is read again when it changes; nil
// without a file.
func openRing(file string, log *slog.Logger) (*atrest.Ring, error) {
	keys, err := openSealKeys(file, log)
	return ringOf(keys), err
}

// openSealKeys opens a file of keys; nil without one. Of one that has become wrong
// the log hears, and the keys that there were go on: also when a name, be it one that
// was taken out long ago, has another secret than it had in this process.
func openSealKeys(file string, log *slog.Logger) (*follow.File[atrest.Keys], error) {
	if file == "" {
		return nil, nil
	}
	var seen atrest.Seen // under the lock of follow.File
	return follow.OpenFile(file, func(file string) (*atrest.Keys, error) {
		keys, err := readSealKeys(file)
		if err != nil {
			return nil, err
		}
		if err := seen.Add(keys); err != nil {
			return nil, fmt.Errorf("%s: %w", file, err)
		}
		return keys, nil
	}, func(err error) {
		log.Error("the keys of what is on disk are those before", "err", err)
	})
}

func ringOf(keys *follow.File[atrest.Keys]) *atrest.Ring {
	if keys == nil {
		return nil
	}
	return atrest.NewRing(func() *atrest.Keys { return keys.Current(time.Now().UnixNano()) })
}

func readSealKeys(file string) (*atrest.Keys, error) {
	data, err := authority.ReadKey(file)
	if err != nil {
		return nil, fmt.Errorf("read the keys of what is on disk: %w", err)
	}
	keys, err := atrest.ParseKeys(data)
	if err != nil {
		return nil, fmt.Errorf("%s: %w; \"freshet sign --new-key NAME\" prints a line for it", file, err)
	}
	return keys, nil
}
