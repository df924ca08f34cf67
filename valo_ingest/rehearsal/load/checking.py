"""A look at a server before a run: whoever gave a wrong address or key shall hear it at once, and once."""

from uuid import uuid4

from valo_ingest.game.state import GAME_END
from valo_ingest.rehearsal.clients import ObserverClient, ObserverIdentity, OverlayClient
from valo_ingest.rehearsal.load.servers import Target
from valo_ingest.wire.names import ObserverType


def check(target: Target) -> None:
    """Log on to both sides of a server; the match that is opened for that is ended at once.

    Raises:
        ServerUnreachable: Nothing of this protocol answers there.
        NotLetIn: The server lets no observer in.
    """
    group_code = f"LOAD-{uuid4().hex[:6].upper()}-CHECK"
    identity = ObserverIdentity(group_code=group_code, key=target.key, client_version=target.client_version)
    observer = ObserverClient(target.ingest_url, identity)
    overlay = OverlayClient(target.output_url, group_code)
    try:
        observer.connect()
        try:
            overlay.connect()
        finally:
            observer.send(ObserverType.ROUND_INFO, {"roundNumber": 0, "roundPhase": GAME_END})
    finally:
        overlay.close()
        observer.close()
