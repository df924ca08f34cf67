"""Recorded and simulated matches come out as the documents that overlays expect.

What is played, and how documents are compared, is told in the README of the stream player.
"""

import re

from tests.interop.streams import GOLDEN, RETRY_MS, STREAMS, replay


def test_the_longest_real_match_ends_in_the_same_document_when_sent_back_to_back() -> None:
    running = replay()
    assert running.server
    longest = max(STREAMS.glob("real-*.jsonl"), key=lambda stream: stream.stat().st_size)

    played = running.play(
        "drive.mjs",
        *("--stream", str(longest)),
        *("--compare", str(GOLDEN / f"{longest.stem}.jsonl.gz")),
        *("--group", "25"),
        *("--retry-ms", str(RETRY_MS)),
    )

    assert played.returncode == 0, played.stdout[-10_000:] + played.stderr
    assert " 0 differ" in played.stdout


def test_all_streams_come_out_as_expected() -> None:
    running = replay()

    status, output = running.result()

    streams = len(list(STREAMS.glob("*.jsonl")))
    assert f"{streams} streams, " in output
    unequal = re.findall(r"^FAIL (\S+)", output, re.MULTILINE)
    assert (status == 0) is (not unequal), output[-20_000:]
    if unequal:
        # Instants may be a few hundred ms off while the other tests keep the machine busy. Now it is quiet.
        again = running.play_streams(unequal)
        assert again.returncode == 0, output[-20_000:] + again.stdout[-20_000:]
    running.server.assert_no_traceback()
