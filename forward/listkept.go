package forward

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"time"
)

// What was fetched is kept in a folder, so that a start without a network has
// the edition that was there before: a file for each address, with a line of
// JSON in front of the text.

// keptHead is what is kept beside the text of a list.
type keptHead struct {
	URL      string `json:"url"`
	ETag     string `json:"etag,omitempty"`
	Modified string `json:"modified,omitempty"`
	Fetched  int64  `json:"fetched"` // when this edition came, seconds since 1970
	Checked  int64  `json:"checked"` // when it was last found to be the newest
}

func (l *lists) keptName(address string) string {
	sum := sha256.Sum256([]byte(address))
	return filepath.Join(l.folder, hex.EncodeToString(sum[:12])+".list")
}

// restore loads the edition of a list that was kept, and reports whether there
// is one.
func (l *lists) restore(k *followed) bool {
	if l.folder == "" {
		return false
	}
	whole, err := readBounded(l.keptName(k.source.URL))
	if err != nil {
		if !errors.Is(err, os.ErrNotExist) {
			l.log.Warn("filter: a list that was kept cannot be read", "list", k.source.Name, "err", err)
		}
		return false
	}
	line, text, _ := strings.Cut(whole, "\n")
	var head keptHead
	if json.Unmarshal([]byte(line), &head) != nil || head.URL != k.source.URL || checkText(text) != nil {
		return false
	}
	l.take(k, text)
	k.kept = head
	l.tell(k, func(s *ListState) { s.Read, s.Looked = time.Unix(head.Fetched, 0), time.Unix(head.Checked, 0) })
	return true
}

// keep writes a list to the folder. It appears there as a whole.
func (l *lists) keep(k *followed) {
	if l.folder == "" {
		return
	}
	if err := l.write(k); err != nil {
		l.log.Warn("filter: a list is not kept", "list", k.source.Name, "err", err)
	}
}

func (l *lists) write(k *followed) error {
	line, err := json.Marshal(&k.kept)
	if err != nil {
		return err
	}
	return writeWhole(l.keptName(k.source.URL), string(line)+"\n"+k.text)
}
