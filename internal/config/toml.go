package config

import (
	"bytes"
	"errors"
	"fmt"
	"strings"

	"github.com/pelletier/go-toml/v2"
	"github.com/pelletier/go-toml/v2/unstable"
)

// A node is a part of a configuration file that knows where it stands.
type node struct {
	kind nodeKind
	key  string
	text string // of a scalar
	name span   // of its key
	at   span   // of its value; its key's for tables
	list []*node
}

type nodeKind uint8

const (
	tableNode nodeKind = iota
	arrayNode
	textNode
	numberNode
	boolNode
	fractionNode // which nothing takes
	dateNode     // nor this
)

// what says what a node is, for a sentence that wants something else.
func (n *node) what() string {
	return [...]string{"a table", "an array", "a string", "a number", "true or false", "a fraction", "a date"}[n.kind]
}

// span is a stretch of the file, in bytes.
type span struct{ start, len int }

const (
	maxFileBytes = 4 << 20 // of a configuration file; a larger one is a fault
	maxFaults    = 100     // that are told of one file; then, how many more there are
)

// parseTOML parses a file into its tree. Its error is a fault with a position.
func parseTOML(src *source) (*node, *Fault) {
	if len(src.data) > maxFileBytes {
		return nil, src.fault(span{}, "the file is larger than %s", formatSize(maxFileBytes))
	}
	// The parser below takes a document apart; that keys do not repeat and
	// tables do not clash is found out by the decoder.
	if err := toml.Unmarshal(src.data, &map[string]any{}); err != nil {
		var d *toml.DecodeError
		if !errors.As(err, &d) {
			return nil, src.fault(span{}, "%v", err)
		}
		row, column := d.Position()
		return nil, src.fault(span{src.offset(row, column), 1}, "%s", strings.TrimPrefix(d.Error(), "toml: "))
	}
	p := &unstable.Parser{}
	p.Reset(src.data)
	root := &node{}
	table := root
	for p.NextExpression() {
		e := p.Expression()
		switch e.Kind {
		case unstable.Table:
			table = descend(root, e.Key())
		case unstable.ArrayTable:
			table = appendTable(root, e.Key())
		case unstable.KeyValue:
			addPair(p, table, e)
		}
	}
	if err := p.Error(); err != nil {
		return nil, src.fault(span{}, "%v", err)
	}
	return root, nil
}

func spanOf(n *unstable.Node) span { return span{int(n.Raw.Offset), int(n.Raw.Length)} }

// descend returns the table that the keys name, made as needed. Of an array of
// tables it is the last one.
func descend(n *node, keys unstable.Iterator) *node {
	for keys.Next() {
		n = n.member(keys.Node(), tableNode)
		if n.kind == arrayNode && len(n.list) > 0 {
			n = n.list[len(n.list)-1]
		}
	}
	return n
}

func appendTable(n *node, keys unstable.Iterator) *node {
	for keys.Next() {
		key := keys.Node()
		if !keys.IsLast() {
			n = n.member(key, tableNode)
			if n.kind == arrayNode && len(n.list) > 0 {
				n = n.list[len(n.list)-1]
			}
			continue
		}
		array := n.member(key, arrayNode)
		table := &node{key: string(key.Data), name: spanOf(key), at: spanOf(key)}
		array.list = append(array.list, table)
		n = table
	}
	return n
}

func addPair(p *unstable.Parser, table *node, pair *unstable.Node) {
	keys := pair.Key()
	for keys.Next() {
		key := keys.Node()
		if !keys.IsLast() {
			table = table.member(key, tableNode)
			continue
		}
		n := &node{key: string(key.Data), name: spanOf(key), at: spanOf(key)}
		n.fill(p, pair.Value())
		table.list = append(table.list, n)
	}
}

// fill sets a node to a value.
func (n *node) fill(p *unstable.Parser, v *unstable.Node) {
	if v.Raw.Length > 0 {
		n.at = spanOf(v)
	}
	n.text = string(v.Data)
	switch v.Kind {
	case unstable.String:
		n.kind = textNode
	case unstable.Integer:
		n.kind = numberNode
		n.text = strings.ReplaceAll(n.text, "_", "")
	case unstable.Bool:
		n.kind = boolNode
	case unstable.Array:
		n.kind = arrayNode
		for it := v.Children(); it.Next(); {
			element := &node{key: n.key, name: n.name, at: n.at}
			element.fill(p, it.Node())
			n.list = append(n.list, element)
		}
	case unstable.InlineTable:
		n.kind = tableNode
		for it := v.Children(); it.Next(); {
			addPair(p, n, it.Node())
		}
	case unstable.Float:
		n.kind = fractionNode
	default:
		n.kind = dateNode
	}
}

// get returns the member of a table with that key, or nil.
func (n *node) get(key string) *node {
	for _, m := range n.list {
		if m.key == key {
			return m
		}
	}
	return nil
}

// member is get, and makes what is missing.
func (n *node) member(key *unstable.Node, kind nodeKind) *node {
	if m := n.get(string(key.Data)); m != nil {
		return m
	}
	m := &node{kind: kind, key: string(key.Data), name: spanOf(key), at: spanOf(key)}
	n.list = append(n.list, m)
	return m
}

// A source is a configuration file, for its faults.
type source struct {
	name   string
	data   []byte
	faults int // so far
}

// offset turns a line and a column in bytes, both from 1, into an offset.
func (s *source) offset(row, column int) int {
	at := 0
	for ; row > 1; row-- {
		i := bytes.IndexByte(s.data[at:], '\n')
		if i < 0 {
			break
		}
		at += i + 1
	}
	return min(at+max(column-1, 0), len(s.data))
}

// fault is a fault of a place in the file.
func (s *source) fault(at span, format string, args ...any) *Fault {
	at.start = min(at.start, len(s.data))
	if s.faults++; s.faults > maxFaults {
		return &Fault{offset: at.start}
	}
	before := s.data[:at.start]
	start := bytes.LastIndexByte(before, '\n') + 1
	row := bytes.Count(before, []byte("\n")) + 1
	rest, _, _ := bytes.Cut(s.data[start:], []byte("\n"))
	line := strings.TrimSuffix(string(rest), "\r")
	column := min(at.start-start, len(line))
	return &Fault{
		Text:    fmt.Sprintf("%s:%d:%d: %s", s.name, row, len([]rune(line[:column]))+1, fmt.Sprintf(format, args...)),
		Excerpt: excerpt(line, row, column, at.len),
		offset:  at.start,
	}
}

// excerpt shows a line, and marks length bytes of it from column on.
func excerpt(line string, row, column, length int) []string {
	const most = 120 // columns that are shown of a line
	before := []rune(line[:column])
	marked := len([]rune(line[column:min(column+length, len(line))]))
	shown := []rune(line)
	if len(before) > most/2 {
		cut := len(before) - most/2
		before, shown = before[cut:], shown[cut:]
	}
	shown = shown[:min(len(shown), most)]
	marked = max(1, min(marked, len(shown)-len(before)))
	number := fmt.Sprintf("%5d", row)
	pad := strings.Map(func(r rune) rune {
		if r == '\t' {
			return r
		}
		return ' '
	}, string(before))
	return []string{
		number + " | " + string(shown),
		strings.Repeat(" ", len(number)) + " | " + pad + strings.Repeat("^", marked),
	}
}
