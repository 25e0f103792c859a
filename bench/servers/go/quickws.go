package main

import (
	"net/http"
	"sync"

	"github.com/antlabs/quickws"
)

type quickwsEvents struct {
	quickws.DefCallback
	broadcast bool
	mutex     sync.Mutex
	all       map[*quickws.Conn]struct{}
}

func (e *quickwsEvents) OnOpen(conn *quickws.Conn) {
	e.mutex.Lock()
	e.all[conn] = struct{}{}
	e.mutex.Unlock()
}

func (e *quickwsEvents) OnClose(conn *quickws.Conn, _ error) {
	e.mutex.Lock()
	delete(e.all, conn)
	e.mutex.Unlock()
}

func (e *quickwsEvents) OnMessage(conn *quickws.Conn, opcode quickws.Opcode, payload []byte) {
	if !e.broadcast {
		conn.WriteMessage(opcode, payload)
		return
	}
	e.mutex.Lock()
	defer e.mutex.Unlock()
	for other := range e.all {
		other.WriteMessage(opcode, payload)
	}
}

// quickwsHandler echoes with antlabs/quickws, the model for this library. Compression is off
// because it accepts few offers.
func quickwsHandler(settings Settings) http.HandlerFunc {
	events := &quickwsEvents{broadcast: settings.Broadcast, all: map[*quickws.Conn]struct{}{}}
	upgrader := quickws.NewUpgrade(
		quickws.WithServerCallback(events),
		quickws.WithServerEnableUTF8Check(),
		quickws.WithServerReplyPing(),
	)
	return func(w http.ResponseWriter, r *http.Request) {
		conn, err := upgrader.Upgrade(w, r)
		if err != nil {
			return
		}
		// Lets the request's goroutine end, because it holds net/http's buffers.
		conn.StartReadLoop()
	}
}
