package config

import "slices"

// Some commands take a word that says what to do: freshet tls cert.

// word takes the first operand, which is one of the words of a command, and
// returns it with the others; "" when it is none.
func (p *parser) word(command string, words []string) (word string, rest []string) {
	if len(p.operands) == 0 {
		p.fault("say what to do: freshet %s %s", command, orList(words))
		return "", nil
	}
	word, rest = p.operands[0], p.operands[1:]
	if slices.Contains(words, word) {
		return word, rest
	}
	if near := Nearest(word, words); near != "" {
		p.fault("unknown word %q; did you mean freshet %s %s?", word, command, near)
	} else {
		p.fault("unknown word %q; there are freshet %s %s", word, command, orList(words))
	}
	return "", nil
}

// flagsOf looks whether the flags of the command line are for the word; uses
// says which words a flag is for, usual those of the others that no command
// shares. A variable of the environment is for all words.
func (p *parser) flagsOf(command, word string, usual []string, uses map[string][]string) {
	for i := range p.flags {
		f, g := &p.flags[i], p.given[i]
		if len(g.values) == 0 || g.env || f.Group == groupReach {
			continue
		}
		words := uses[f.Name]
		if words == nil {
			words = usual
		}
		if !slices.Contains(words, word) {
			p.fault("--%s is for freshet %s %s; leave it out", f.Name, command, orList(words))
		}
	}
}
