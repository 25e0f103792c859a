package main

import (
	"encoding/binary"
	"log"
	"net/http"
	"strings"

	"github.com/antlabs/quickws"
)

// goQuickws is quickws for Go, which cannot send a message in fragments.
var goQuickws = library{
	handler: func(compression bool) http.HandlerFunc {
		options := []quickws.ServerOption{
			quickws.WithServerReplyPing(),
			quickws.WithServerEnableUTF8Check(),
			quickws.WithServerReadMaxMessage(maxMessage),
		}
		if compression {
			options = append(options, quickws.WithServerDecompressAndCompress())
		}
		upgrader := quickws.NewUpgrade(options...)
		return func(w http.ResponseWriter, r *http.Request) {
			if conn, err := upgrader.UpgradeV2(w, r, &quickwsEcho{}); err == nil {
				conn.StartReadLoop()
			}
		}
	},
	connect: func(url string, compression bool) bool {
		echo := &quickwsEcho{}
		options := []quickws.ClientOption{
			quickws.WithClientReplyPing(),
			quickws.WithClientEnableUTF8Check(),
			quickws.WithClientReadMaxMessage(maxMessage),
			quickws.WithClientCallback(echo),
		}
		if compression {
			options = append(options, quickws.WithClientDecompressAndCompress())
		}
		conn, err := quickws.Dial(url, options...)
		if err != nil {
			log.Fatal(err)
		}
		conn.ReadLoop()
		return !echo.asked
	},
}

// quickwsEcho echoes messages, and records whether it was asked to close.
type quickwsEcho struct {
	quickws.DefCallback
	asked bool
}

func (echo *quickwsEcho) OnMessage(conn *quickws.Conn, opcode quickws.Opcode, message []byte) {
	switch {
	case opcode == quickws.Text && string(message) == fragmentsCommand:
		conn.WriteMessage(opcode, []byte(strings.Join(fragments, "")))
	case opcode == quickws.Text && string(message) == closeCommand:
		echo.asked = true
		payload := binary.BigEndian.AppendUint16(nil, closeCode)
		conn.WriteMessage(quickws.Close, append(payload, closeReason...))
	case opcode == quickws.Text || opcode == quickws.Binary:
		conn.WriteMessage(opcode, message)
	}
}
