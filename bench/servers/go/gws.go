package main

import (
	"net/http"
	"sync"

	"github.com/lxzan/gws"
)

type gwsEvents struct {
	gws.BuiltinEventHandler
	broadcast bool
	mutex     sync.Mutex
	all       map[*gws.Conn]struct{}
}

func (e *gwsEvents) OnOpen(conn *gws.Conn) {
	e.mutex.Lock()
	e.all[conn] = struct{}{}
	e.mutex.Unlock()
}

func (e *gwsEvents) OnClose(conn *gws.Conn, _ error) {
	e.mutex.Lock()
	delete(e.all, conn)
	e.mutex.Unlock()
}

func (e *gwsEvents) OnMessage(conn *gws.Conn, message *gws.Message) {
	defer message.Close()
	if !e.broadcast {
		conn.WriteMessage(message.Opcode, message.Bytes())
		return
	}
	caster := gws.NewBroadcaster(message.Opcode, message.Bytes())
	defer caster.Close()
	e.mutex.Lock()
	defer e.mutex.Unlock()
	for other := range e.all {
		caster.Broadcast(other)
	}
}

// gwsHandler echoes with lxzan/gws, which uses a goroutine per connection.
func gwsHandler(settings Settings) http.HandlerFunc {
	takeover := settings.Compression == "takeover"
	events := &gwsEvents{broadcast: settings.Broadcast, all: map[*gws.Conn]struct{}{}}
	upgrader := gws.NewUpgrader(events, &gws.ServerOption{
		PermessageDeflate: gws.PermessageDeflate{
			Enabled:               settings.Compression != "",
			ServerContextTakeover: takeover,
			ClientContextTakeover: takeover,
			Threshold:             1,
		},
		CheckUtf8Enabled: true,
	})
	return func(w http.ResponseWriter, r *http.Request) {
		conn, err := upgrader.Upgrade(w, r)
		if err != nil {
			return
		}
		// Lets the request's goroutine end, because it holds net/http's buffers.
		go conn.ReadLoop()
	}
}
