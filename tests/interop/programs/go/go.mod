module interop

go 1.21

require (
	github.com/antlabs/quickws v0.2.2
	github.com/gorilla/websocket v1.5.3
)

require (
	github.com/antlabs/wsutil v0.1.11 // indirect
	github.com/klauspost/compress v1.17.8 // indirect
)
