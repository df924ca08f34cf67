"""Numbers that are typed behind a flag, called so that who mistypes one is told in words."""

import math
from typing import Any

import click


class WholeNumber(click.IntRange):
    """Whole numbers of a range."""

    name = "whole number"


class Number(click.FloatRange):
    """Numbers of a range."""

    name = "number"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        number = super().convert(value, param, ctx)
        if math.isnan(number):  # it is in every range
            self.fail(f"{value!r} is not a number.", param, ctx)
        return number


class Speed(Number):
    """Numbers of times as fast as it was."""

    name = "speed"

    def __init__(self) -> None:
        super().__init__(0.01, 1000)
