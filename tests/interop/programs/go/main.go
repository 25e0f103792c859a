// Echoes with a WebSocket library for Go. "interop LIBRARY server MODE..." prints a port for each
// mode. "interop LIBRARY client MODE URL ..." connects to each URL, again and again until asked to
// close.
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

// library is a WebSocket library. Compression is on or off; each library chooses its own context
// takeover and windows.
type library struct {
	// handler returns a handler that echoes on each connection.
	handler func(compression bool) http.HandlerFunc
	// connect opens a connection, echoes, and reports whether to connect again.
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
