"""Names we make. All are random: none is derived from an address, none tells the time."""

SHARDS = 16


def shard_of(subscriber_id: str) -> int:
    """The shard of a subscriber: the first of its 32 hex digits."""
    return int(subscriber_id[0], 16)
