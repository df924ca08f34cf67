"""Clients of a running server: match simulator, replay, load. They speak the protocol and know nothing of ours."""
