"""Formats: JSON to game events and back. No sockets."""
