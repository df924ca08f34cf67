"""Entry point: makes the standard library cooperative, then runs the command line."""

import signal

ON_INTERRUPT = signal.getsignal(signal.SIGINT)
if ON_INTERRUPT is signal.default_int_handler:
    # Ctrl-C while all this is loaded just ends it, without a traceback.
    signal.signal(signal.SIGINT, signal.SIG_DFL)

from gevent import monkey  # noqa: E402

# Before any other import: socketio, marshmallow and logging take locks and sockets when they are loaded.
monkey.patch_all()

from valo_ingest.cli import main  # noqa: E402

if ON_INTERRUPT is signal.default_int_handler:
    signal.signal(signal.SIGINT, ON_INTERRUPT)

if __name__ == "__main__":
    main(prog_name="valo-ingest")
