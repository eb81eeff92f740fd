"""What answers mean: every row of the providers' tables, the general rules, and that nothing at all makes the judge fall over."""

import logging
import ssl
from collections.abc import Mapping
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chalicelib.channels import email, ses_events, twilio_status
from chalicelib.channels.outcomes import (
    STATUSES,
    Accepted,
    Answered,
    Evidence,
    Lost,
    Meaning,
    NeverLeft,
    advice_of,
    ended_before_sending,
    judge,
    tell_of_refusal,
)
from chalicelib.domain.message import Advice, Answer, Outcome, Streak
from infra.watch import LOGGED

ACCEPTED, REFUSED, LATER, NOT_SENT, UNKNOWN = Answer.ACCEPTED, Answer.REFUSED, Answer.LATER, Answer.NOT_SENT, Answer.UNKNOWN
NONE, STOPPED, BAD, TWICE, FIVE, OURS, WORDS = (
    Advice.NONE,
    Advice.OPTED_OUT,
    Advice.BAD_ADDRESS,
    Advice.BAD_IF_TWICE,
    Advice.BAD_IF_FIVE_TIMES,
    Advice.OUR_ACCOUNT,
    Advice.OUR_WORDS,
)
MENDED, HOUR = timedelta(minutes=15), timedelta(hours=1)

Row = tuple[Answer, Advice, timedelta | None]

TWILIO: Mapping[str, Row] = {
    "21610": (REFUSED, STOPPED, None),
    "21211": (REFUSED, BAD, None),
    "21612": (REFUSED, BAD, None),
    "21614": (REFUSED, BAD, None),
    "30003": (REFUSED, NONE, None),
    "30004": (REFUSED, TWICE, None),
    "30005": (REFUSED, TWICE, None),
    "30006": (REFUSED, BAD, None),
    "21408": (REFUSED, NONE, None),
    "21602": (REFUSED, NONE, None),
    "21605": (REFUSED, NONE, None),
    "21617": (REFUSED, NONE, None),
    "30007": (REFUSED, WORDS, None),
    "30008": (REFUSED, NONE, None),
    "20429": (LATER, NONE, None),
    "21611": (LATER, NONE, None),
    "30001": (LATER, NONE, None),
    "30022": (LATER, NONE, None),
    "30023": (LATER, NONE, HOUR),
    "20003": (NOT_SENT, OURS, MENDED),
    "20005": (NOT_SENT, OURS, MENDED),
    "21212": (NOT_SENT, OURS, MENDED),
    "21606": (NOT_SENT, OURS, MENDED),
    "21659": (NOT_SENT, OURS, MENDED),
    "30002": (NOT_SENT, OURS, MENDED),
    "30034": (NOT_SENT, OURS, MENDED),
}
SES: Mapping[str, Row] = {
    "MESSAGE_REJECTED": (REFUSED, NONE, None),
    "INVALID_PARAMETER": (REFUSED, NONE, None),
    "FAILED": (REFUSED, NONE, None),
    "BadRequestException": (REFUSED, NONE, None),
    "MessageRejected": (REFUSED, NONE, None),
    "ValidationException": (REFUSED, NONE, None),
    "TRANSIENT_FAILURE": (LATER, NONE, None),
    "ACCOUNT_THROTTLED": (LATER, NONE, None),
    "LimitExceededException": (LATER, NONE, None),
    "Throttling": (LATER, NONE, None),
    "ThrottlingException": (LATER, NONE, None),
    "TooManyRequestsException": (LATER, NONE, None),
    "ACCOUNT_DAILY_QUOTA_EXCEEDED": (LATER, NONE, HOUR),
    "DailyQuota": (LATER, NONE, HOUR),
    "ACCOUNT_SENDING_PAUSED": (NOT_SENT, OURS, MENDED),
    "ACCOUNT_SUSPENDED": (NOT_SENT, OURS, MENDED),
    "CONFIGURATION_SET_NOT_FOUND": (NOT_SENT, OURS, MENDED),
    "CONFIGURATION_SET_SENDING_PAUSED": (NOT_SENT, OURS, MENDED),
    "INVALID_SENDING_POOL_NAME": (NOT_SENT, OURS, MENDED),
    "MAIL_FROM_DOMAIN_NOT_VERIFIED": (NOT_SENT, OURS, MENDED),
    "TEMPLATE_NOT_FOUND": (NOT_SENT, OURS, MENDED),
    "NotVerified": (NOT_SENT, OURS, MENDED),
    "AccountSuspendedException": (NOT_SENT, OURS, MENDED),
    "MailFromDomainNotVerifiedException": (NOT_SENT, OURS, MENDED),
    "SendingPausedException": (NOT_SENT, OURS, MENDED),
    "4xx": (NOT_SENT, NONE, None),
}
TABLES = [pytest.param(twilio_status.CODES, TWILIO, id="twilio"), pytest.param(email.CODES, SES, id="ses")]


def expected(row: Row, code: str) -> Outcome:
    answer, advice, wait = row
    return Outcome(answer, code, advice=advice, wait=wait)


# --- the providers' tables -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("codes", "rows"), TABLES)
def test_every_row_of_a_table_is_held_to_here(codes: Mapping[str, Meaning], rows: Mapping[str, Row]) -> None:
    assert set(codes) == set(rows)


@pytest.mark.parametrize("code", TWILIO)
@pytest.mark.parametrize("status", [400, 401, 403, 404, 422, 429])
def test_a_code_of_twilios_means_the_same_under_any_refusing_status(code: str, status: int) -> None:
    assert judge(Answered(status, code), twilio_status.CODES) == expected(TWILIO[code], code)


@pytest.mark.parametrize("code", [code for code in SES if code != "4xx"])
@pytest.mark.parametrize("status", [200, 400, 403, 429])
def test_a_code_of_ses_means_the_same_for_one_recipient_and_for_the_whole_call(code: str, status: int) -> None:
    assert judge(Answered(status, code), email.CODES) == expected(SES[code], code)


@pytest.mark.parametrize("code", TWILIO)
def test_a_callback_gives_the_same_advice_as_an_answer(code: str) -> None:
    assert advice_of(code, twilio_status.CODES) is TWILIO[code][1]


def test_a_code_that_we_do_not_know_gives_no_advice() -> None:
    assert advice_of("99999", twilio_status.CODES) is Advice.NONE


def test_what_bounces_and_complaints_say_of_an_address() -> None:
    assert ses_events.BOUNCES == {"Permanent": BAD, "Transient": FIVE, "Undetermined": NONE}
    assert ses_events.COMPLAINTS == {"not-spam": NONE}


# --- the general rules -----------------------------------------------------------------------------------------------

RULES: Mapping[str, tuple[Evidence, Outcome]] = {
    "taken": (Accepted("SM1"), Outcome(ACCEPTED, provider_id="SM1")),
    "taken, but by no name": (Accepted(""), Outcome(UNKNOWN, "no_id")),
    "no name, no connection, no handshake": (NeverLeft("EndpointConnectionError"), Outcome(NOT_SENT, "EndpointConnectionError")),
    "cut off, read too long, unreadable": (Lost("ReadTimeoutError"), Outcome(UNKNOWN, "ReadTimeoutError")),
    "too many": (Answered(429), Outcome(LATER, "429")),
    "too many, under a code we do not know": (Answered(429, "Odd"), Outcome(LATER, "Odd")),
    "our credentials": (Answered(401), Outcome(NOT_SENT, "401", advice=OURS, wait=MENDED)),
    "our rights": (Answered(403, "AccessDenied"), Outcome(NOT_SENT, "AccessDenied", advice=OURS, wait=MENDED)),
    "nothing of ours there": (Answered(404), Outcome(NOT_SENT, "404", advice=OURS, wait=MENDED)),
    "it gave up waiting for us": (Answered(408), Outcome(UNKNOWN, "408")),
    "wrong by its content": (Answered(400, "60000"), Outcome(REFUSED, "60000")),
    "the last of the refusals": (Answered(499), Outcome(REFUSED, "499")),
    "its failure": (Answered(500), Outcome(UNKNOWN, "500")),
    "the last of its failures": (Answered(599), Outcome(UNKNOWN, "599")),
    "beyond any status": (Answered(1000), Outcome(UNKNOWN, "1000")),
    "a redirect": (Answered(302), Outcome(UNKNOWN, "302")),
    "the last before the refusals": (Answered(399), Outcome(UNKNOWN, "399")),
    "a yes that is none": (Answered(200, "A_NEW_WORD"), Outcome(UNKNOWN, "A_NEW_WORD")),
    "nonsense": (Answered(-1), Outcome(UNKNOWN, "-1")),
}


@pytest.mark.parametrize(("evidence", "outcome"), RULES.values(), ids=RULES.keys())
def test_what_no_table_names_is_judged_by_these_rules(evidence: Evidence, outcome: Outcome) -> None:
    assert judge(evidence, {}) == outcome


def test_the_rules_name_these_statuses_and_no_more() -> None:
    assert set(STATUSES) == {"401", "403", "404", "408", "429", "4xx"}


def test_an_error_of_ses_that_nobody_knows_condemns_none_of_its_fifty_recipients() -> None:
    assert judge(Answered(400, "NewException"), email.CODES) == Outcome(NOT_SENT, "NewException")


@pytest.mark.parametrize("table", [pytest.param(one, id=name) for name, one in (("twilio", twilio_status.CODES), ("ses", email.CODES))])
@pytest.mark.parametrize("status", [500, 503])
def test_no_code_makes_a_servers_failure_prove_anything(table: Mapping[str, Meaning], status: int) -> None:
    assert {judge(Answered(status, code), table).answer for code in table} == {UNKNOWN}


ANY_TEXT = st.text(max_size=20) | st.sampled_from([*TWILIO, *SES])
ANY_EVIDENCE = st.one_of(
    st.builds(Accepted, ANY_TEXT),
    st.builds(Answered, st.integers() | st.integers(100, 599), ANY_TEXT),
    st.builds(NeverLeft, ANY_TEXT),
    st.builds(Lost, ANY_TEXT),
)


@given(evidence=ANY_EVIDENCE, table=st.sampled_from([{}, twilio_status.CODES, email.CODES]))
def test_no_evidence_raises_and_only_what_proves_it_lets_a_message_go_again(evidence: Evidence, table: Mapping[str, Meaning]) -> None:
    outcome = judge(evidence, table)
    assert (outcome.answer is ACCEPTED) == bool(outcome.provider_id)
    if outcome.answer in {LATER, NOT_SENT}:
        assert isinstance(evidence, NeverLeft) or (isinstance(evidence, Answered) and evidence.status < 500)
    if outcome.advice is not NONE:
        assert isinstance(evidence, Answered) and outcome.answer in {REFUSED, NOT_SENT}
    assert outcome.wait is None or outcome.answer in {LATER, NOT_SENT}


# --- what goes with it -----------------------------------------------------------------------------------------------


def test_how_often_an_address_must_fail_to_be_bad() -> None:
    assert {advice: advice.streak for advice in Advice} == {
        NONE: None,
        STOPPED: None,
        OURS: None,
        WORDS: None,
        BAD: Streak(1, timedelta(0)),
        TWICE: Streak(2, timedelta(days=30)),
        FIVE: Streak(5, timedelta(days=14)),
    }


def test_a_provider_that_refuses_our_account_is_told_of_once_and_alarms(caplog: pytest.LogCaptureFixture) -> None:
    refused = [Outcome(NOT_SENT, code, advice=OURS) for code in ("20003", "30002", "20003")]
    tell_of_refusal([Outcome(ACCEPTED, provider_id="SM1"), *refused], provider="twilio")
    [line] = caplog.records
    assert (line.levelno, line.getMessage(), line.fields) == (
        logging.ERROR,
        "provider refuses our account",
        {"provider": "twilio", "codes": ["20003", "30002"]},
    )  # type: ignore[attr-defined]
    assert "provider refuses our account" in LOGGED


def test_nothing_is_told_where_nobody_refuses_us(caplog: pytest.LogCaptureFixture) -> None:
    tell_of_refusal([Outcome(REFUSED, "21211", advice=BAD), Outcome(LATER, "20429")], provider="twilio")
    assert caplog.records == []


def tls(reason: str) -> ssl.SSLError:
    error = ssl.SSLError(1, "x")
    error.reason = reason
    return error


@pytest.mark.parametrize(
    ("error", "before"),
    [
        pytest.param(ssl.SSLCertVerificationError(1, "x"), True, id="their certificate"),
        pytest.param(tls("WRONG_VERSION_NUMBER"), True, id="no TLS there"),
        pytest.param(tls("DECRYPTION_FAILED_OR_BAD_RECORD_MAC"), False, id="a broken answer"),
        pytest.param(ssl.SSLEOFError(8, "x"), False, id="cut off, at whatever point"),
        pytest.param(OSError("x"), False, id="no TLS failure at all"),
        pytest.param(None, False, id="nothing"),
    ],
)
def test_only_a_failed_handshake_proves_that_nothing_was_sent(error: object, before: bool) -> None:
    assert ended_before_sending(error) is before
