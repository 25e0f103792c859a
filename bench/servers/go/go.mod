module peers

go 1.21

require (
	github.com/antlabs/quickws v0.2.2
	github.com/gorilla/websocket v1.5.3
	github.com/lxzan/gws v1.8.9
)

require (
	github.com/antlabs/wsutil v0.1.11 // indirect
	github.com/dolthub/maphash v0.1.0 // indirect
	github.com/klauspost/compress v1.17.9 // indirect
)
