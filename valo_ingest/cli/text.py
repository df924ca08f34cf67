"""Text for people, on one line, and refusals; and text that people give."""

from typing import Any

import click


def one_line(text: str) -> str:
    r"""Return `text` with everything that is not printable written as an escape, a line break as \n."""
    if text.isprintable():
        return text
    return "".join(
        letter if letter.isprintable() else letter.encode("unicode_escape").decode() for letter in text
    )


class Refusal(click.ClickException):
    """What the operator has to mend before the server can start: one line, exit status 2."""

    exit_code = 2

    def __init__(self, message: str) -> None:
        super().__init__(one_line(message))


class Text(click.ParamType[str]):
    """Text that can be sent: what a terminal brings that is no UTF-8 cannot."""

    name = "text"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> str:
        text = str(value)
        try:
            text.encode()
        except UnicodeEncodeError:
            self.fail("it is no text in UTF-8.", param, ctx)
        return text
