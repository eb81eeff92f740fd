"""Evidence: the ground truth and the rows of a city on this machine, read from its state file."""

from collections.abc import Sequence
from dataclasses import dataclass

from chalicelib.domain.tokens import Tokens
from chalicelib.state.table import Row
from chalicelib.store.sealed import Vault
from local.options import Options
from local.proof.truth import Truth


@dataclass(frozen=True)
class Evidence:
    """What the checker asks for: `broken(found.truth, found.rows, vault=found.vault, tokens=found.tokens, texts=[*found.texts, *log_lines])`."""

    truth: Truth
    rows: Sequence[Row]
    vault: Vault
    tokens: Tokens
    texts: Sequence[str]


def evidence(options: Options) -> Evidence:
    """All there is in `options.state_file` and `options.secrets_file`. `texts` are bodies of queues and dead letters, and URLs that were
    given away. Best read while the city is down or at rest."""
    raise NotImplementedError
