"""The training stage never reaches a provider."""

import json
from base64 import b64encode
from dataclasses import replace
from pathlib import Path

import pytest

from chalicelib import wiring
from chalicelib.channels.rehearsal import Rehearsal
from chalicelib.domain.address import Channel
from chalicelib.settings import Stage, from_env

ENV = {"STAGE": "training", "PUBLIC_URL": "https://training.example.org", "TWILIO_NUMBER": "+15005550006", "EMAIL_FROM": "a@example.org"}


@pytest.mark.parametrize("channel", list(Channel))
def test_every_channel_of_the_training_stage_is_a_rehearsal(tmp_path: Path, channel: Channel) -> None:
    key = b64encode(b"k" * 32).decode()
    (tmp_path / "secrets.json").write_text(json.dumps({"keys": {"hash": key, "seal": key, "sign": key}}))
    settings = replace(from_env({**ENV, "SECRETS": f"file:{tmp_path / 'secrets.json'}"}), state_file=str(tmp_path / "city.db"))
    assert settings.stage is Stage.TRAINING
    assert isinstance(wiring.build(settings).sender(channel), Rehearsal)
