"""Ask the server of this container whether it is alive: exit status 0 or 1. Needs the standard library only.

It reads the port from the environment, as the server does; so set it there and not by a flag.
"""

import json
import os
import ssl
import sys
import urllib.request
from typing import Final

TIMEOUT_S: Final = 4.0

SCHEMES: Final = ("http", "https")
"""The server has one of them. Its certificate is for the names of others, and is not looked at."""


def status(port: str) -> str:
    """Return in a word or two how the server is, or why it does not answer."""
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    reason = ""
    for scheme in SCHEMES:
        try:
            url = f"{scheme}://127.0.0.1:{port}/healthz"
            with urllib.request.urlopen(url, timeout=TIMEOUT_S / len(SCHEMES), context=context) as answer:
                return str(json.load(answer)["status"])
        except (OSError, ValueError) as error:
            reason = f"no answer: {error}"
    return reason


if __name__ == "__main__":
    found = status(os.environ.get("VALO_INGEST_EXTRAS_PORT", "5101"))
    print(found)
    sys.exit(found.startswith("no answer"))
