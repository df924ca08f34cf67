"""Entry point: makes the standard library cooperative, then runs the command line."""

from valo_ingest.loading import loading

with loading():
    from gevent import monkey

    # Before any other import: socketio, marshmallow and logging take locks and sockets when they are loaded.
    monkey.patch_all()

    from valo_ingest.cli import main

if __name__ == "__main__":
    main(prog_name="valo-ingest")
