"""The targets of the fuzzer, on its corpus and on what hypothesis makes up."""

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fuzz.targets import CORPUS, TARGETS

SEEDS = {name: [path.read_bytes() for path in sorted((CORPUS / name).iterdir())] for name in TARGETS}


@pytest.mark.parametrize(
    "path", sorted(CORPUS.glob("*/*")), ids=lambda path: f"{path.parent.name}/{path.name}"
)
def test_every_input_of_the_corpus_is_refused_or_read(path: Path) -> None:
    TARGETS[path.parent.name](path.read_bytes())


@pytest.mark.parametrize("name", TARGETS)
def test_arbitrary_bytes_and_changed_inputs_of_the_corpus_are_refused_or_read(name: str) -> None:
    changed = st.builds(
        lambda seed, at, new, cut: seed[: at % (len(seed) + 1)] + new + seed[at % (len(seed) + 1) + cut :],
        st.sampled_from(SEEDS[name]),
        st.integers(0, 10_000),
        st.binary(max_size=8),
        st.integers(0, 8),
    )

    @settings(max_examples=200)
    @given(st.one_of(st.binary(max_size=500), changed))
    def check(data: bytes) -> None:
        TARGETS[name](data)

    check()
