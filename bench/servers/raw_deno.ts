// The baseline on Deno: sockets that echo bytes.

const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
console.log((listener.addr as Deno.NetAddr).port);

async function echo(conn: Deno.TcpConn): Promise<void> {
  const buffer = new Uint8Array(65536);
  for (let size = await conn.read(buffer); size !== null; size = await conn.read(buffer)) {
    for (let at = 0; at < size;) at += await conn.write(buffer.subarray(at, size));
  }
  conn.close();
}

for await (const conn of listener) {
  conn.setNoDelay(true);
  echo(conn).catch(() => {});
}
