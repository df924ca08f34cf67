"""Ports that keep things: files in the data directory."""
