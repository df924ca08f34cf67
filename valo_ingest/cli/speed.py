"""How fast something is played."""

import math
from typing import Any

import click


class Speed(click.FloatRange):
    """Numbers of times as fast as it was."""

    name = "speed"

    def __init__(self) -> None:
        super().__init__(0.01, 1000)

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        speed = super().convert(value, param, ctx)
        if math.isnan(speed):  # it is in every range
            self.fail(f"{value!r} is not a number.", param, ctx)
        return speed
