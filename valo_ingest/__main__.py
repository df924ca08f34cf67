"""Entry point: makes the standard library cooperative, then runs the command line."""

from gevent import monkey

# Before any other import: socketio, marshmallow and logging take locks and sockets when they are loaded.
monkey.patch_all()

from valo_ingest.cli import main  # noqa: E402

if __name__ == "__main__":
    main(prog_name="valo-ingest")
