// Echoing over a WebSocket with the interface of the web.

/** Milliseconds after which a socket without a close event is abandoned. */
const GIVE_UP = 240_000;

/** Echoes until the socket closes; passes messages to `heard` instead, if given. */
export function echoOver(socket: WebSocket, heard?: (text: string) => void): Promise<void> {
  socket.binaryType = "arraybuffer";
  return new Promise((resolve) => {
    const timer = setTimeout(resolve, GIVE_UP);
    socket.onmessage = ({ data }): void => {
      if (heard === undefined) socket.send(data);
      else heard(data);
    };
    socket.onerror = (): void => {};
    socket.onclose = (): void => {
      clearTimeout(timer);
      resolve();
    };
  });
}
