import io

from valo_ingest.cli.progress import INTERVAL_S, ProgressLine


class Terminal(io.StringIO):
    """Shows what was written."""

    def isatty(self) -> bool:
        return True

    def screen(self) -> str:
        """Return what the line shows now."""
        shown: list[str] = []
        for written in self.getvalue().split("\r"):
            shown[: len(written)] = written
        return "".join(shown).rstrip()


class Watch:
    def __init__(self) -> None:
        self.now_s = 50.0

    def __call__(self) -> float:
        return self.now_s


def test_each_text_takes_the_place_of_the_one_before() -> None:
    terminal, watch = Terminal(), Watch()
    line = ProgressLine(terminal, monotonic_s=watch)

    for text in ("round 10, shopping", "round 9"):
        line.show(lambda text=text: text)  # type: ignore[misc]
        assert terminal.screen() == text
        watch.now_s += INTERVAL_S

    line.clear()
    assert terminal.screen() == ""


def test_it_does_not_change_more_often_than_people_can_see() -> None:
    terminal, watch = Terminal(), Watch()
    line = ProgressLine(terminal, monotonic_s=watch)

    line.show(lambda: "one")
    watch.now_s += INTERVAL_S / 2
    line.show(lambda: "two")

    assert terminal.screen() == "one"


def test_it_fits_the_terminal() -> None:
    terminal = Terminal()

    ProgressLine(terminal, monotonic_s=Watch()).show(lambda: "\x1b猫\n" * 500)

    assert len(terminal.screen()) < 80
    assert "\x1b" not in terminal.getvalue()


def test_on_no_terminal_it_is_quiet() -> None:
    file = io.StringIO()
    line = ProgressLine(file, monotonic_s=Watch())

    line.show(lambda: "one")
    line.clear()

    assert file.getvalue() == ""
