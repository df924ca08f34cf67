"""Left and right: what comes in pairs is a pair."""

from collections.abc import Callable, Iterator
from enum import Enum
from typing import Final, Generic, TypeVar

from msgspec import Struct

T = TypeVar("T")
U = TypeVar("U")


class Seat(Enum):
    """Where a team is shown on the overlay."""

    LEFT = "left"
    RIGHT = "right"

    @property
    def other(self) -> "Seat":
        return Seat.RIGHT if self is Seat.LEFT else Seat.LEFT


SEATS: Final = (Seat.LEFT, Seat.RIGHT)
"""Both. Going through the enum itself takes ten times as long."""


class BySeat(Struct, Generic[T], frozen=True):
    """One value for each seat."""

    left: T
    right: T

    def __getitem__(self, seat: Seat) -> T:
        return self.left if seat is Seat.LEFT else self.right

    def __iter__(self) -> Iterator[T]:
        yield self.left
        yield self.right

    def with_value(self, seat: Seat, value: T) -> "BySeat[T]":
        """Return the pair with `value` at `seat`; the same pair when it was there already."""
        if self[seat] is value:
            return self
        return BySeat(value, self.right) if seat is Seat.LEFT else BySeat(self.left, value)

    def updated(self, seat: Seat, change: Callable[[T], T]) -> "BySeat[T]":
        return self.with_value(seat, change(self[seat]))

    def map(self, change: Callable[[T], U]) -> "BySeat[U]":
        return BySeat(change(self.left), change(self.right))

    def swapped(self) -> "BySeat[T]":
        return BySeat(self.right, self.left)
