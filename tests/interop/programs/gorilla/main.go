// Echoes with gorilla/websocket: "gorilla server MODE..." prints a port for each mode, "gorilla client
// URL" connects until it was asked to close.
package main

import (
	"fmt"
	"log"
	"net"
	"net/http"
	"os"

	"github.com/gorilla/websocket"
)

const (
	fragmentsCommand = "send fragments"
	closeCommand     = "close, please"
)

var fragments = []string{"one, ", "two, ", "\u20ac three"}

func main() {
	if os.Args[1] == "server" {
		serve(os.Args[2:])
		return
	}
	for connect(os.Args[2]) {
	}
}

// serve knows one mode only, without takeover.
func serve(modes []string) {
	upgrader := websocket.Upgrader{EnableCompression: true}
	handler := func(w http.ResponseWriter, r *http.Request) {
		conn, err := upgrader.Upgrade(w, r, nil)
		if err == nil {
			echo(conn)
		}
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		log.Fatal(err)
	}
	for range modes {
		fmt.Println(listener.Addr().(*net.TCPAddr).Port)
	}
	log.Fatal(http.Serve(listener, http.HandlerFunc(handler)))
}

// connect tells whether to connect again.
func connect(url string) bool {
	dialer := websocket.Dialer{EnableCompression: true}
	conn, _, err := dialer.Dial(url, nil)
	if err != nil {
		log.Fatal(err)
	}
	return !echo(conn)
}

// echo answers until the end, and tells whether it was asked for that.
func echo(conn *websocket.Conn) bool {
	defer conn.Close()
	conn.SetReadLimit(16 << 20)
	for {
		kind, message, err := conn.ReadMessage()
		if err != nil {
			return false
		}
		switch {
		case kind == websocket.TextMessage && string(message) == fragmentsCommand:
			err = sendFragments(conn)
		case kind == websocket.TextMessage && string(message) == closeCommand:
			payload := websocket.FormatCloseMessage(4001, "as you wish")
			conn.WriteMessage(websocket.CloseMessage, payload)
			// The answer of the other side.
			conn.ReadMessage()
			return true
		default:
			err = conn.WriteMessage(kind, message)
		}
		if err != nil {
			return false
		}
	}
}

func sendFragments(conn *websocket.Conn) error {
	writer, err := conn.NextWriter(websocket.TextMessage)
	if err != nil {
		return err
	}
	for _, fragment := range fragments {
		if _, err := writer.Write([]byte(fragment)); err != nil {
			return err
		}
	}
	return writer.Close()
}
