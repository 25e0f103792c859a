package main

import (
	"net/http"
	"sync"

	"github.com/gorilla/websocket"
)

// gorillaHandler echoes with gorilla/websocket, which uses a goroutine per connection.
func gorillaHandler(settings Settings) http.HandlerFunc {
	upgrader := websocket.Upgrader{EnableCompression: settings.Compression != ""}
	var mutex sync.Mutex
	all := map[*websocket.Conn]struct{}{}
	return func(w http.ResponseWriter, r *http.Request) {
		conn, err := upgrader.Upgrade(w, r, nil)
		if err != nil {
			return
		}
		defer conn.Close()
		mutex.Lock()
		all[conn] = struct{}{}
		mutex.Unlock()
		for {
			kind, message, err := conn.ReadMessage()
			if err != nil {
				break
			}
			if settings.Broadcast {
				gorillaBroadcast(all, &mutex, kind, message)
			} else if conn.WriteMessage(kind, message) != nil {
				break
			}
		}
		mutex.Lock()
		delete(all, conn)
		mutex.Unlock()
	}
}

func gorillaBroadcast(all map[*websocket.Conn]struct{}, mutex *sync.Mutex, kind int, message []byte) {
	prepared, err := websocket.NewPreparedMessage(kind, message)
	if err != nil {
		return
	}
	mutex.Lock()
	defer mutex.Unlock()
	for conn := range all {
		conn.WritePreparedMessage(prepared)
	}
}
