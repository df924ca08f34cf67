"""A server that sends back every WebSocket message, for tests with WebSocket libraries. Prints its port.

It is run as a process of its own, and never imported: it patches the standard library.
"""

from gevent import monkey

monkey.patch_all()

import sys  # noqa: E402
from collections.abc import Callable  # noqa: E402
from typing import Any  # noqa: E402

from valo_ingest.transport.limits import Admission  # noqa: E402
from valo_ingest.transport.line import Line  # noqa: E402
from valo_ingest.transport.server import Listener, listen  # noqa: E402
from valo_ingest.transport.websocket import Terms  # noqa: E402


def echo(environ: dict[str, Any], start_response: Callable[..., Any]) -> list[bytes]:
    connection = environ["wsgi.websocket"]
    while (message := connection.receive()) is not None:
        connection.send(message)
    return []


if __name__ == "__main__":
    bound = listen("127.0.0.1", 0, "PORT")
    terms = Terms(keep_context="--keep-context" in sys.argv)
    print(bound.getsockname()[1], flush=True)
    admission = Admission(max_per_address=100, max_in_all=100)
    Listener(
        bound, echo, tls=None, terms=terms, admission=admission, line=Line(), websocket_path="/"
    ).serve_forever()
