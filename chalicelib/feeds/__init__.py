"""Bytes of a known format become notices. Pure."""
