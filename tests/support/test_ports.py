import socket
from contextlib import closing

from tests.support.ports import reserved_port


def test_a_server_may_listen_there_again_and_again() -> None:
    port = reserved_port()
    for _ in range(2):
        with closing(socket.create_server(("127.0.0.1", port))), socket.create_connection(("127.0.0.1", port)):
            pass
