package config

import (
	"fmt"
	"slices"
	"strings"
)

// A Command is one word that may follow freshet.
type Command struct {
	Name  string
	Usage string // what follows the name
	Short string // one line
	Long  string // sentences
	Flags []Flag
	Bare  bool // the command line is read as curl does, and no variable of the environment is
}

// Commands are the commands in the order of the help text.
var Commands = []Command{
	{Name: "serve", Usage: "[flags] [DIR]", Short: "serve a folder over HTTP",
		Long: "Serves the folder DIR, or the current one. An edit shows in the next request. " +
			"What it listens on is said on standard error, and each request is a line on standard output. " +
			"SIGTERM or SIGINT (Ctrl-C) ends it once running requests are answered, a second one at once.",
		Flags: serveFlags},
	{Name: "proxy", Usage: "--to URL [--to URL...] [flags]", Short: "serve what other servers have, with a cache",
		Long: "Passes requests on to the origins that --to names, and keeps the answers that may be kept. " +
			"What it listens on is said on standard error, and each request is a line on standard output. " +
			"SIGTERM or SIGINT (Ctrl-C) ends it once running requests are answered, a second one at once.",
		Flags: proxyFlags},
	{Name: "filter", Usage: "[flags]", Short: "a forward proxy that filters, with a cache",
		Long: "Passes the requests of browsers and programs on to the servers that they name, keeps the answers that may be kept, and opens tunnels for https. " +
			"The page at its address tells how a browser is set up. " +
			"SIGTERM or SIGINT (Ctrl-C) ends it once running requests are answered, a second one at once.",
		Flags: filterFlags},
	{Name: "run", Usage: "[-c FILE] [flags]", Short: "serve what a configuration file says",
		Long: "Serves the sites of a configuration file. A flag goes before the key of the same name in its [server]. " +
			"A change of the file is obeyed while it runs; a file with a fault changes nothing, and the fault is told. " +
			"SIGHUP reads the file at once and opens the logs anew; SIGTERM or SIGINT (Ctrl-C) ends it once running requests are answered, a second one at once.",
		Flags: runFlags},
	{Name: "config", Usage: "check [FILE] | explain [URL] | example", Short: "check or explain a configuration file",
		Long: "check says all that is wrong with the file. explain says what the file comes to, or which site, route and rules are for URL. " +
			"example prints a complete file with every key, its default and what it means.",
		Flags: configFlags},
	{Name: "purge", Usage: "[flags] URL... | --everything", Short: "make a server forget answers",
		Long: "Makes the cache of a running server, of the same user on this machine, forget what it keeps for each URL, with scheme and host as clients ask for it (* stands for itself), or all answers with a tag, of a host, below a prefix, or of which a condition holds. However much that is, it takes effect at once, and holds after a restart; what is gone is removed in the background. " +
			"Each purge has a receipt, which says how many answers it was about; a soft one can be undone by it. " +
			"Others send a PURGE request for the URL with the token of the server (Authorization: Bearer), which is in a file beside its socket; Soft-Purge: 1 makes it a soft one. " +
			"At the hub of a fleet the purge is for all its servers: the receipt names each. Those that are away do not serve what was purged, and apply it when they are back, so that the exit status is 0 with them, too. --here purges one server alone.",
		Flags: purgeFlags},
	{Name: "why", Usage: "[flags] URL | ID", Short: "explain how a request would be, or was, answered",
		Long: "Asks a running server how it would answer a request for URL now, without disturbing it, or why it answered the request with that ID as it did (IDs are in the access log, and in the field Freshet-Id of errors, or of all answers with --request-id always; each server that runs is asked for an ID, unless --monitor names one). " +
			"Says what decided, by which clause and by which line of the configuration, what was compared, and the smallest change that makes it a hit. " +
			"A URL that is a path is one of the first address that the server listens on. " +
			"The exit status is 0 when it could be explained, whatever the verdict, 1 when not, 2 when the command line is wrong.",
		Flags: whyFlags},
	{Name: "top", Usage: "[flags]", Short: "show what a server does, live",
		Long: "Shows the figures of a running server's monitor, and its latest requests, once a second in the terminal; q and Enter, or Ctrl-C, ends it. " +
			"When standard output is no terminal it prints a line each time instead.",
		Flags: topFlags},
	{Name: "check", Usage: "[flags] URL|DIR|SITEMAP...", Short: "say how caches treat answers, and what is wrong",
		Long: "Asks for each address as a browser would, says what browsers and shared caches do with the answer, and what is wrong with it: what, where, by which clause, and what mends it. " +
			"Further requests find out more: conditions, ranges, HEAD, codings, languages, redirects, connections. " +
			"A folder is served as freshet serve would, and each file in it is checked; a sitemap names the pages to check. " +
			"The exit status is 1 when something is found that --fail-on names, 2 when the command line is wrong.",
		Flags: checkingFlags},
	tlsCommand,
	smimeCommand,
	getCommand,
	signCommand,
	sealCommand,
	userCommand,
	jobCommand,
	workerCommand,
	serversCommand,
	alertCommand,
	{Name: "help", Usage: "[COMMAND]", Short: "explain freshet, or a command",
		Long: "Explains freshet, or a command and its flags."},
	{Name: "version", Short: "print the version",
		Long: "Prints the version of freshet and the Go release that it was built with."},
}

// width is that of a terminal; indent is where descriptions start.
const (
	width  = 80
	indent = 26
)

// CommandNamed returns the command of that name, or nil.
func CommandNamed(name string) *Command {
	i := slices.IndexFunc(Commands, func(c Command) bool { return c.Name == name })
	if i < 0 {
		return nil
	}
	return &Commands[i]
}

// UnknownCommand says that there is no command of that name, and which was
// most likely meant.
func UnknownCommand(name string) string {
	names := make([]string, len(Commands))
	for i, c := range Commands {
		names[i] = c.Name
	}
	if near := Nearest(name, names); near != "" {
		return fmt.Sprintf("unknown command %q; did you mean %s?", name, near)
	}
	return fmt.Sprintf("unknown command %q; there are %s", name, strings.Join(names, ", "))
}

// Overview returns the text of freshet help.
func Overview() string {
	var b strings.Builder
	b.WriteString("freshet puts folders and other servers on the web.\n\nUsage:\n\n")
	for _, c := range Commands {
		row(&b, strings.TrimSpace("freshet "+c.Name+" "+c.Usage), c.Short, 32)
	}
	b.WriteString("\nThe flags of a command: freshet help COMMAND\n")
	return b.String()
}

// Help returns the text of freshet help for the command.
func (c *Command) Help() string {
	var b strings.Builder
	fmt.Fprintf(&b, "Usage: %s\n\n", strings.TrimSpace("freshet "+c.Name+" "+c.Usage))
	paragraph(&b, c.Long)
	group := ""
	for i := range c.Flags {
		f := &c.Flags[i]
		if f.Group != group {
			group = f.Group
			fmt.Fprintf(&b, "\n%s:\n", group)
		}
		row(&b, f.usage(), f.description(), indent)
	}
	if len(c.Flags) > 0 {
		b.WriteByte('\n')
		paragraph(&b, c.grammar())
	}
	return b.String()
}

const grammar = "Flags may stand before or after operands; \"--\" ends them. Values follow after a space or \"=\". " +
	"Each flag has an environment variable (--log-format: FRESHET_LOG_FORMAT), which the flag overrides; " +
	"there, several values have commas between. " +
	"Sizes are 64k, 256MiB (powers of 1024) or 1GB (of 1000), durations 500ms, 10s, 5m, 2h or 30d."

// bareGrammar is grammar for commands that are read as curl reads its own.
const bareGrammar = "Flags may stand before or after URLs; \"--\" ends them. Values follow after a space or \"=\"; letters may be joined (-sSo FILE), and --no- turns a switch off. " +
	"Of a flag that is given twice, and not repeatable, the last counts. No flag has an environment variable. " +
	"Sizes are 64k, 256MiB (powers of 1024) or 1GB (of 1000), times 2.5 (seconds), 500ms or 5m."

func (c *Command) grammar() string {
	if c.Bare {
		return bareGrammar
	}
	return grammar
}

// usage is how the flag is given.
func (f *Flag) usage() string {
	usage := strings.TrimSpace("--" + f.Name + " " + f.Value)
	if f.Short != "" {
		return "-" + f.Short + ", " + usage
	}
	return usage
}

// description is Doc and what the table knows besides.
func (f *Flag) description() string {
	var notes []string
	if f.Repeat {
		notes = append(notes, "repeatable")
	}
	if f.Off {
		notes = append(notes, "off: "+f.offIs())
	}
	if f.Default != "" {
		notes = append(notes, "default "+f.Default)
	}
	if len(notes) == 0 {
		return f.Doc
	}
	return f.Doc + " (" + strings.Join(notes, "; ") + ")"
}

// row writes a term and, from column at on, its description.
func row(b *strings.Builder, term, text string, at int) {
	b.WriteString("  " + term)
	column := 2 + len(term)
	if column+2 > at {
		b.WriteByte('\n')
		column = 0
	}
	for i, line := range wrap(text, width-at) {
		if i > 0 {
			column = 0
		}
		b.WriteString(strings.Repeat(" ", at-column) + line + "\n")
	}
}

func paragraph(b *strings.Builder, text string) {
	for _, line := range wrap(text, width) {
		b.WriteString(line + "\n")
	}
}

// wrap breaks text into lines of at most width columns.
func wrap(text string, width int) []string {
	var lines []string
	line := ""
	for _, word := range strings.Fields(text) {
		switch {
		case line == "":
			line = word
		case len(line)+1+len(word) <= width:
			line += " " + word
		default:
			lines = append(lines, line)
			line = word
		}
	}
	return append(lines, line)
}
