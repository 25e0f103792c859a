// Echoes over a standard web WebSocket.

/** The milliseconds after which a socket without a close event is abandoned. */
const GIVE_UP = 240_000;

/** Echoes until the socket closes. If `onText` is given, passes messages to it instead. */
export function echoOver(socket: WebSocket, onText?: (text: string) => void): Promise<void> {
  socket.binaryType = "arraybuffer";
  return new Promise((resolve) => {
    const timer = setTimeout(resolve, GIVE_UP);
    socket.onmessage = ({ data }): void => {
      if (onText === undefined) socket.send(data);
      else onText(data);
    };
    socket.onerror = (): void => {};
    socket.onclose = (): void => {
      clearTimeout(timer);
      resolve();
    };
  });
}
