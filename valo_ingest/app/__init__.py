"""The composition root: makes every object, connects them, and starts every greenlet.

`Server` lives from `start` to `stop`: `listening` makes its listeners, and `stack` makes what stands behind them out of
a `basis`. The stack is made in groups: `sides` makes the two Socket.IO servers, `matches` what holds the matches and
shows them, `pages` what answers the third port. `chores` is what a server does again and again. `process` is a server
as a program: signals, and whoever started it; `outlet` is where it writes its log. `stores` opens a data directory
without a server.
"""

from valo_ingest.app.basis import Ports
from valo_ingest.app.outlet import Outlet
from valo_ingest.app.process import serve
from valo_ingest.app.server import STOP_S, Server
from valo_ingest.app.stack import MakeController
from valo_ingest.app.stores import open_archive, open_keys

__all__ = ["STOP_S", "MakeController", "Outlet", "Ports", "Server", "open_archive", "open_keys", "serve"]
