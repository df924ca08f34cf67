"""Match-day server for VALORANT productions: observers push events in, overlays read matches out."""

__version__ = "0.1.0"
