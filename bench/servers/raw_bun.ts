// The baseline on Bun: sockets that echo bytes. Output that the kernel does not accept is buffered.

interface Socket {
  data: Uint8Array[];
  write(bytes: Uint8Array): number;
}

declare const Bun: {
  listen(options: {
    hostname: string;
    port: number;
    socket: {
      open(socket: Socket): void;
      data(socket: Socket, chunk: Uint8Array): void;
      drain(socket: Socket): void;
    };
  }): { port: number };
};

function flush(socket: Socket): void {
  while (socket.data.length > 0) {
    const chunk = socket.data[0]!;
    const written = socket.write(chunk);
    if (written < chunk.length) {
      socket.data[0] = chunk.subarray(Math.max(0, written));
      return;
    }
    socket.data.shift();
  }
}

const listener = Bun.listen({
  hostname: "127.0.0.1",
  port: 0,
  socket: {
    open(socket) {
      socket.data = [];
    },
    data(socket, chunk) {
      const written = socket.data.length > 0 ? 0 : socket.write(chunk);
      if (written < chunk.length) socket.data.push(chunk.slice(Math.max(0, written)));
    },
    drain: flush,
  },
});
console.log(listener.port);
