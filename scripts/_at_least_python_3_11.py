"""Refuses an older Python, in words that even Python 2 can read. To be imported before anything else."""

import sys

if sys.version_info < (3, 11):  # noqa: UP036
    sys.stderr.write(
        "valo-ingest needs Python 3.11 or newer, and this is Python %d.%d. Install a newer one and name it, "  # noqa: UP031
        "for instance: python3.11 %s\n" % (sys.version_info[0], sys.version_info[1], sys.argv[0])
    )
    sys.exit(2)
