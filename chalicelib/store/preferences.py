"""A person's preferences: `S#<subscriber>` / `PREFERENCES`, what their next subscription begins with. Each subscription holds its own copy, which
is what planning reads.
"""

import json
from dataclasses import dataclass

from chalicelib.domain.preferences import UNCHOSEN, Preferences, preference_values, read_preferences
from chalicelib.state.table import Key, Put, Row, Table, Write


@dataclass(frozen=True)
class PreferenceRows:
    """Reads and writes people's preferences."""

    table: Table

    def of(self, subscriber: str) -> Preferences:
        """What a person chose."""
        found = self.table.get(preferences_key(subscriber))
        return read_preferences(json.loads(str(found["chosen"]))) if found else UNCHOSEN

    def write(self, subscriber: str, preferences: Preferences) -> Write:
        """The write that keeps what a person chose, for a transaction."""
        return Put(Row(preferences_key(subscriber), {"chosen": json.dumps(preference_values(preferences), sort_keys=True)}))


def preferences_key(subscriber: str) -> Key:
    """Where a person's preferences are kept."""
    return Key(f"S#{subscriber}", "PREFERENCES")
