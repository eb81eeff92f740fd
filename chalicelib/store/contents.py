"""What broadcasts say, kept in memory: a content row never changes, and a kiosk asks for the same ones every few seconds."""

from collections.abc import Collection
from dataclasses import dataclass, field

from chalicelib.domain.broadcast import Content
from chalicelib.state.table import MOST_GET, Table
from chalicelib.store.broadcast_rows import content_key, read_content

_REMEMBERED = 2000


@dataclass(frozen=True)
class Contents:
    """Reads contents, each once per process."""

    table: Table
    _kept: dict[str, Content] = field(default_factory=dict, repr=False, compare=False)

    def of(self, broadcasts: Collection[str]) -> dict[str, Content]:
        """The contents of those broadcasts that exist."""
        if len(self._kept) > _REMEMBERED:
            self._kept.clear()
        unread = [one for one in broadcasts if one not in self._kept]
        for start in range(0, len(unread), MOST_GET):
            keys = {content_key(one): one for one in unread[start : start + MOST_GET]}
            rows = self.table.get_many(list(keys), consistent=False)
            self._kept.update({keys[key]: read_content(values) for key, values in rows.items()})
        return {one: self._kept[one] for one in broadcasts if one in self._kept}
