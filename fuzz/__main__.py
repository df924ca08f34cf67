"""Fuzz one target until something breaks: `python -m fuzz frames`. Needs the extra "fuzz" (atheris; not on Windows).

What comes after the name goes to libFuzzer: `python -m fuzz decode -max_total_time=60 -max_len=4096`.
"""

import sys
import tempfile

import atheris

with atheris.instrument_imports(include=["valo_ingest", "fuzz.targets"]):
    from fuzz.targets import CORPUS, TARGETS


def main() -> None:
    if len(sys.argv) < 2 or sys.argv[1] not in TARGETS:
        sys.exit(f"usage: python -m fuzz {{{'|'.join(TARGETS)}}} [OPTION OF LIBFUZZER]...")
    name, *options = sys.argv[1:]
    found = tempfile.mkdtemp(prefix=f"valo-ingest-fuzz-{name}-")  # new inputs go to the first directory
    print(f"inputs that reach new code are kept in {found}", flush=True)
    atheris.Setup([sys.argv[0], *options, found, str(CORPUS / name)], TARGETS[name])
    atheris.Fuzz()


main()
