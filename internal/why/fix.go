package why

// Names that a Fix has beside those of fields and parameters.
const (
	Method = "method" // of the request
	Body   = "body"   // of the request
	URL    = "URL"    // of the request
	Status = "status" // of the origin's answer
	Server = "server" // that is to run, at the URL that is the value
	Route  = "route"  // of the configuration, for a path
)

// What a file is made by a Fix that says "set".
const (
	Plain    = "plain"    // neither a pipe nor a socket nor a device
	Readable = "readable" // by the server's user
)

// String says in words what to change: "let the origin send Cache-Control:
// max-age=60", "ask without Cache-Control", "add utm_source to key-drop".
func (f Fix) String() string {
	switch f.Who {
	case Request:
		return f.ofRequest()
	case Origin:
		return f.ofOrigin()
	case Files:
		return f.ofFiles()
	}
	switch {
	case f.Name == Route:
		return "add a route for " + f.Value
	case f.Do == "add":
		return "add " + f.Value + " to " + f.Name
	case f.Do == "remove" && f.Value != "":
		return "remove " + f.Value + " from " + f.Name
	case f.Do == "remove":
		return "leave " + f.Name + " out of the configuration"
	}
	return "set " + f.Name + " to " + f.Value
}

func (f Fix) ofRequest() string {
	switch {
	case f.Name == Method:
		return "ask with the method " + f.Value
	case f.Name == Body:
		return "ask without a body"
	case f.Name == URL:
		return "ask for " + f.Value
	case f.Do == "remove" && f.Value != "":
		return "ask without " + f.Value + " in " + f.Name
	case f.Do == "remove":
		return "ask without " + f.Name
	}
	return "ask with " + f.Name + ": " + f.Value
}

func (f Fix) ofOrigin() string {
	switch {
	case f.Name == Server:
		return "start the origin " + f.Value
	case f.Name == Status:
		return "let the origin answer with status " + f.Value
	case f.Do == "remove" && f.Value != "":
		return "let the origin leave " + f.Value + " out of " + f.Name
	case f.Do == "remove":
		return "let the origin leave out " + f.Name
	case f.Do == "add":
		return "let the origin add " + f.Name + ": " + f.Value
	}
	return "let the origin send " + f.Name + ": " + f.Value
}

func (f Fix) ofFiles() string {
	switch {
	case f.Do == "add":
		return "add the file " + f.Name
	case f.Do == "remove":
		return "remove the file " + f.Name
	case f.Value == Plain:
		return "make " + f.Name + " a plain file"
	}
	return "make " + f.Name + " " + f.Value
}
