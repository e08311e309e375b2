package ui

// URL is the address of an asset by its plain name: "app.css" is at
// "/assets/app.<hash>.css".
func URL(name string) string { return "/assets/" + name }
