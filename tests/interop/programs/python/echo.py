"""Echoes with Python websockets. "echo.py server MODE..." prints a port for each mode. "echo.py client
MODE URL ..." connects to each URL, again and again until asked to close."""

import asyncio
import sys

from websockets.asyncio.client import connect
from websockets.asyncio.server import serve
from websockets.exceptions import ConnectionClosed
from websockets.extensions.permessage_deflate import (
    ClientPerMessageDeflateFactory,
    ServerPerMessageDeflateFactory,
)

FRAGMENTS_COMMAND = "send fragments"
CLOSE_COMMAND = "close, please"
FRAGMENTS = ["one, ", "two, ", "\u20ac three"]
MAX_SIZE = 16 * 1024 * 1024

WINDOWS = {
    "alone": {},
    "takeover": {},
    "windows": {"server_max_window_bits": 9, "client_max_window_bits": 9},
}


async def echo(connection):
    """Echoes until the connection ends. Returns whether it was asked to close."""
    try:
        async for message in connection:
            if message == FRAGMENTS_COMMAND:
                await connection.send(FRAGMENTS)
            elif message == CLOSE_COMMAND:
                await connection.close(4001, "as you wish")
                return True
            else:
                await connection.send(message)
    except ConnectionClosed:
        pass
    return False


def deflate(factory, mode):
    """Returns the compression options. Without them, the library would use its default extension."""
    return {"compression": None} if mode == "off" else {"extensions": [factory(**WINDOWS[mode])]}


async def run_server(modes):
    servers = []
    for mode in modes:
        options = deflate(ServerPerMessageDeflateFactory, mode)
        server = await serve(echo, "127.0.0.1", 0, max_size=MAX_SIZE, **options)
        servers.append(server)
        print(server.sockets[0].getsockname()[1], flush=True)
    await asyncio.gather(*(server.serve_forever() for server in servers))


async def run_client(mode, url):
    options = deflate(ClientPerMessageDeflateFactory, mode)
    while True:
        async with connect(url, max_size=MAX_SIZE, proxy=None, **options) as connection:
            if await echo(connection):
                return


async def run_clients(arguments):
    for mode, url in zip(arguments[::2], arguments[1::2]):
        await run_client(mode, url)


if sys.argv[1] == "server":
    asyncio.run(run_server(sys.argv[2:]))
else:
    asyncio.run(run_clients(sys.argv[2:]))
