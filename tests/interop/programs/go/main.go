// Echoes with a WebSocket library for Go: "interop LIBRARY server MODE..." prints a port for each mode,
// "interop LIBRARY client MODE URL ..." connects to each URL until it was asked to close there.
package main

import (
	"fmt"
	"log"
	"net"
	"net/http"
	"os"
)

const (
	fragmentsCommand = "send fragments"
	closeCommand     = "close, please"
	closeCode        = 4001
	closeReason      = "as you wish"
	maxMessage       = 16 << 20
)

var fragments = []string{"one, ", "two, ", "\u20ac three"}

// library is a WebSocket library. Its compression is on or off: what it does with context takeover and
// windows is its own choice.
type library struct {
	// handler echoes on each connection.
	handler func(compression bool) http.HandlerFunc
	// connect echoes on a connection of its own, and tells whether to connect again.
	connect func(url string, compression bool) bool
}

var libraries = map[string]library{"gorilla": gorilla, "quickws": goQuickws}

func main() {
	used, args := libraries[os.Args[1]], os.Args[3:]
	if os.Args[2] == "server" {
		used.serve(args)
		return
	}
	for i := 0; i < len(args); i += 2 {
		for used.connect(args[i+1], args[i] != "off") {
		}
	}
}

func (used library) serve(modes []string) {
	for _, mode := range modes {
		listener, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			log.Fatal(err)
		}
		fmt.Println(listener.Addr().(*net.TCPAddr).Port)
		go http.Serve(listener, used.handler(mode != "off"))
	}
	select {}
}
