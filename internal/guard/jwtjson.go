package guard

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"unicode/utf8"
)

// maxJSONDepth is how deep a token or a key set may be nested.
const maxJSONDepth = 16

// readObject reads a JSON object (RFC 8259) of which everybody makes the same:
// one value with nothing after it, of UTF-8 without halves of characters, in which
// no object has two members of a name (RFC 7515 §4, RFC 7519 §4). Names are told
// apart by letter case. Values are string, bool, json.Number, nil, []any and
// map[string]any.
func readObject(text []byte) (map[string]any, error) {
	if !utf8.Valid(text) {
		return nil, errors.New("it is not UTF-8")
	}
	if !json.Valid(text) {
		return nil, errors.New("it is not JSON")
	}
	d := json.NewDecoder(bytes.NewReader(text))
	d.UseNumber()
	v, err := readValue(d, 0)
	if err != nil {
		return nil, err
	}
	if _, err := d.Token(); err != io.EOF {
		return nil, errors.New("it is not JSON")
	}
	o, is := v.(map[string]any)
	if !is {
		return nil, errors.New("it is no JSON object")
	}
	return o, nil
}

func readValue(d *json.Decoder, depth int) (any, error) {
	t, err := d.Token()
	if err != nil {
		return nil, errors.New("it is not JSON")
	}
	switch t := t.(type) {
	case string:
		return t, wholeText(t)
	case json.Delim:
		if depth == maxJSONDepth {
			return nil, fmt.Errorf("it is nested deeper than %d", maxJSONDepth)
		}
		if t == '[' {
			return readArray(d, depth+1)
		}
		return readMembers(d, depth+1)
	}
	return t, nil
}

func readArray(d *json.Decoder, depth int) (any, error) {
	all := []any{}
	for d.More() {
		v, err := readValue(d, depth)
		if err != nil {
			return nil, err
		}
		all = append(all, v)
	}
	_, err := d.Token() // the end
	return all, err
}

func readMembers(d *json.Decoder, depth int) (any, error) {
	all := map[string]any{}
	for d.More() {
		t, err := d.Token()
		if err != nil {
			return nil, errors.New("it is not JSON")
		}
		name, _ := t.(string)
		if err := wholeText(name); err != nil {
			return nil, err
		}
		if _, twice := all[name]; twice {
			return nil, errors.New("it has two members of one name")
		}
		if all[name], err = readValue(d, depth); err != nil {
			return nil, err
		}
	}
	_, err := d.Token() // the end
	return all, err
}

// wholeText refuses half of a character that is written as \uD800: readers put
// different things in its place.
func wholeText(s string) error {
	if strings.ContainsRune(s, utf8.RuneError) {
		return errors.New("it has half of a character")
	}
	return nil
}
