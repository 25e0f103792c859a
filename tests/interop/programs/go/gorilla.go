package main

import (
	"log"
	"net/http"

	"github.com/gorilla/websocket"
)

var gorilla = library{
	handler: func(compression bool) http.HandlerFunc {
		upgrader := websocket.Upgrader{EnableCompression: compression}
		return func(w http.ResponseWriter, r *http.Request) {
			if conn, err := upgrader.Upgrade(w, r, nil); err == nil {
				echoGorilla(conn)
			}
		}
	},
	connect: func(url string, compression bool) bool {
		dialer := websocket.Dialer{EnableCompression: compression}
		conn, _, err := dialer.Dial(url, nil)
		if err != nil {
			log.Fatal(err)
		}
		return !echoGorilla(conn)
	},
}

// echoGorilla echoes until the connection ends, and reports whether it was asked to close.
func echoGorilla(conn *websocket.Conn) bool {
	defer conn.Close()
	conn.SetReadLimit(maxMessage)
	for {
		kind, message, err := conn.ReadMessage()
		if err != nil {
			return false
		}
		switch {
		case kind == websocket.TextMessage && string(message) == fragmentsCommand:
			err = sendFragments(conn)
		case kind == websocket.TextMessage && string(message) == closeCommand:
			payload := websocket.FormatCloseMessage(closeCode, closeReason)
			conn.WriteMessage(websocket.CloseMessage, payload)
			// Waits for the peer's Close frame.
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
