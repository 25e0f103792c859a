// Peers in Go: "peers LIBRARY SETTINGS" starts an echo server and prints its port.
// bench/servers/settings.ts documents the settings.
package main

import (
	"encoding/json"
	"fmt"
	"log"
	"net"
	"net/http"
	"os"
)

// Settings are the settings of a server.
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
