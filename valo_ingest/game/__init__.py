"""The rules of the game: pure functions over frozen state. No I/O, no clock, no JSON."""
