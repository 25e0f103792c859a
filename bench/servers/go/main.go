// Peers in Go: "peers LIBRARY SETTINGS" prints the port of an echo server; bench/servers/settings.ts
// says what the settings mean.
package main

import (
	"encoding/json"
	"fmt"
	"log"
	"net"
	"net/http"
	"os"
)

// Settings is what a server is told.
type Settings struct {
	Broadcast   bool   `json:"broadcast"`
	Compression string `json:"compression"`
}

var libraries = map[string]func(settings Settings) http.HandlerFunc{
	"gorilla": gorillaHandler,
	"gws":     gwsHandler,
	"quickws": quickwsHandler,
}

func main() {
	log.SetOutput(os.Stderr)
	var settings Settings
	if err := json.Unmarshal([]byte(os.Args[2]), &settings); err != nil {
		log.Fatal(err)
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(listener.Addr().(*net.TCPAddr).Port)
	log.Fatal(http.Serve(listener, libraries[os.Args[1]](settings)))
}
