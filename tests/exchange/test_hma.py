"""A bank on an HMA server, tested with a server that answers like HMA and keeps state."""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from hashmatch.errors import CommandError
from hashmatch.exchange.hma import (
    TOKEN,
    BankContent,
    HmaServer,
    PushReport,
    push,
    read_contents,
    token_from_environment,
)
from hashmatch.records import Hash, ListItem, Opinion
from hashmatch.store import Store, open_store
from hashmatch.store.membership import Membership
from hashmatch.store.pushed import PushedContents
from hashmatch.store.references import add_file
from tests.support.hma_server import Fault, Hma, hangs_up, replies, running, sends_for_ever
from tests.support.list_items import BRIDGE, MD5, PICTURE
from tests.support.made_references import ME, measured

OTHER = "0f" * 32
FILM = ListItem(
    kind="video",
    md5=MD5,
    hashes=(
        Hash("pdq", bytes.fromhex(OTHER), 90, 1.0),
        Hash("pdq", bytes.fromhex(BRIDGE), None, 0.0),
        Hash("pdq", bytes(32), 20, 2.0),
    ),
)
RETRACTED = replace(PICTURE, retracted="2026-11-21T19:00:00Z")


@pytest.fixture(scope="module")
def references(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A reference set of 200, so that contents can be of any of them."""
    path = tmp_path_factory.mktemp("references") / "known.db"
    with open_store(path, write=True) as store, store.transaction() as connection:
        for number in range(200):
            add_file(connection, ME, measured(f"{number}"), (f"/{number}".encode(), 1, 1), Membership(collection="one"))
    return path


@pytest.fixture
def notes(references: Path, tmp_path: Path) -> Iterator[Store]:
    shutil.copy(references, tmp_path / "known.db")
    with open_store(tmp_path / "known.db", write=True) as store:
        yield store


@pytest.fixture
def hma() -> Iterator[Hma]:
    with running(Hma()) as server:
        yield server


def push_to(hma: Hma, notes: Store, *items: ListItem, bank: str = "EAST", url: str = "", **limits: float) -> PushReport:
    with HmaServer(url or hma.url, sleep=lambda _seconds: None, **limits) as server:
        return push(server, bank, enumerate(items, 1), PushedContents(notes, server.name, bank))


def contents_of(hma: Hma, numbers: list[int]) -> list[BankContent]:
    with HmaServer(hma.url, sleep=lambda _seconds: None) as server:
        return list(read_contents(server, "EAST", numbers, now=lambda: 2_000_000_000.0))


def test_a_bank_is_made_and_filled_once(hma: Hma, notes: Store) -> None:
    poor = ListItem(hashes=(Hash("pdq", bytes(32), 10),))
    listed = (PICTURE, FILM, poor, replace(PICTURE, allow=True), RETRACTED)
    report = push_to(hma, notes, *listed)
    left_out = {"left_out_retracted": 1, "left_out_allow": 1, "left_out_without_hash": 1, "films_without_frames": 1}
    assert report == PushReport(added=2, **left_out)
    assert hma.banks == {"EAST": 1.0}
    assert [content["signals"] for content in hma.contents.values()] == [{"pdq": BRIDGE}, {"video_md5": MD5}]
    assert push_to(hma, notes, *listed) == PushReport(unchanged=2, **left_out)
    assert len(hma.contents) == 2


def test_films_go_with_their_frames_where_the_server_has_vpdq(hma: Hma, notes: Store) -> None:
    hma.types = ("pdq", "video_md5", "vpdq")
    assert push_to(hma, notes, FILM) == PushReport(added=1)
    (content,) = hma.contents.values()
    assert json.loads(content["signals"]["vpdq"]) == [f"{BRIDGE},50,0.000", f"{OTHER},90,1.000"]
    (read,) = contents_of(hma, [1])
    assert read.item == ListItem(
        kind="video",
        md5=MD5,
        hashes=(Hash("pdq", bytes.fromhex(BRIDGE), 50, 0.0), Hash("pdq", bytes.fromhex(OTHER), 90, 1.0)),
    )


@pytest.mark.parametrize("old", [False, True])
@pytest.mark.parametrize(
    "withdrawn",
    [RETRACTED, replace(PICTURE, allow=True), replace(PICTURE, opinions=(Opinion("false-positive"),))],
)
def test_what_is_withdrawn_is_disabled_and_restored(hma: Hma, notes: Store, withdrawn: ListItem, old: bool) -> None:
    push_to(hma, notes, PICTURE, FILM)
    hma.old, hma.has_notes = old, not old
    report = push_to(hma, notes, withdrawn, FILM)
    assert (report.disabled, report.added) == (1, 0) and hma.states() == {1: 0, 2: 1}
    asked = len(hma.requests)
    assert push_to(hma, notes, withdrawn, FILM).disabled == 0
    assert not {("POST", each) for method, each in hma.requests[asked:] if method == "POST"}
    assert push_to(hma, notes, PICTURE, FILM).enabled == 1 and hma.states() == {1: 1, 2: 1}


def test_another_hash_of_a_reference_takes_the_place_of_the_old_one(hma: Hma, notes: Store) -> None:
    push_to(hma, notes, PICTURE)
    report = push_to(hma, notes, replace(PICTURE, hashes=(Hash("pdq", bytes.fromhex(OTHER), 90),)))
    assert (report.added, report.disabled) == (1, 1) and hma.states() == {1: 0, 2: 1}


def test_opinions_of_others_withdraw_nothing(hma: Hma, notes: Store) -> None:
    assert push_to(hma, notes, replace(PICTURE, opinions=(Opinion("false-positive", "west"),))).added == 1


def test_what_others_did_there_is_left(hma: Hma, notes: Store) -> None:
    push_to(hma, notes, PICTURE, FILM)
    hma.contents[1]["until"] = 0
    del hma.contents[2]
    report = push_to(hma, notes, PICTURE, FILM)
    assert (report.unchanged, report.removed) == (1, 1)
    assert hma.states() == {1: 0}


def test_a_number_that_is_now_of_something_else_is_left_alone(hma: Hma, notes: Store) -> None:
    other = replace(PICTURE, hashes=(Hash("pdq", bytes.fromhex(OTHER), 90),))
    push_to(hma, notes, PICTURE, FILM)
    push_to(hma, notes, PICTURE, FILM, other)
    hma.banks["WEST"] = 1.0
    hma.contents[1]["bank"] = "WEST"
    hma.contents[2]["signals"] = {"video_md5": "0" * 32}
    report = push_to(hma, notes, RETRACTED, replace(FILM, retracted="2026-11-21T19:00:00Z"), other)
    assert (report.gone, report.disabled) == (2, 0) and hma.states() == {1: 1, 2: 1, 3: 1}


def test_a_bank_that_was_deleted_is_filled_again(hma: Hma, notes: Store) -> None:
    push_to(hma, notes, PICTURE, FILM)
    hma.banks.clear()
    hma.contents.clear()
    report = push_to(hma, notes, FILM, PICTURE)
    assert (report.added, report.lost) == (2, 2)
    assert sorted(hma.contents) == [3, 4]


def test_what_became_of_contents_is_read_back(hma: Hma) -> None:
    hma.banks = {"EAST": 1.0, "WEST": 1.0}
    bridge = {"pdq": BRIDGE}
    for until in (1, 0, 1_999_999_999, 2_100_000_000, 2**62):
        hma.add("EAST", bridge, until)
    hma.add("WEST", bridge)
    hma.add("EAST", {"pdq": "no", "vpdq": '["x"]', "raw_text": "hello", "video_md5": ""})
    picture = ListItem(kind="image", hashes=(Hash("pdq", bytes.fromhex(BRIDGE)),))
    assert contents_of(hma, [1, 2, 3, 4, 5, 6, 7, 99]) == [
        BankContent(1, "enabled", picture),
        BankContent(2, "disabled", picture),
        BankContent(3, "enabled", picture),
        BankContent(4, "disabled", picture, "2036-07-18T13:20:00Z"),
        BankContent(5, "disabled", picture),
        BankContent(6, "gone"),
        BankContent(7, "enabled", others=("pdq", "vpdq", "raw_text")),
        BankContent(99, "gone"),
    ]
    hma.old = True
    assert contents_of(hma, [1, 2, 6]) == [
        BankContent(1, "enabled", picture),
        BankContent(2, "disabled", picture),
        BankContent(6, "gone"),
    ]


def test_nothing_is_read_of_a_bank_that_is_not_there(hma: Hma) -> None:
    with pytest.raises(CommandError, match="there is no bank EAST"):
        contents_of(hma, [1])
    assert not hma.banks


@pytest.mark.parametrize("bank", ["east", "1ST", "", "A/B", "É", "A" * 256, "A\n"])
def test_a_name_that_is_none_is_refused_before_anything_is_sent(hma: Hma, notes: Store, bank: str) -> None:
    with HmaServer(hma.url) as server, pytest.raises(CommandError, match="not the name of an HMA bank"):
        push(server, bank, [], PushedContents(notes, server.name, "EAST"))
    assert not hma.requests


def test_an_abort_half_way_is_gone_on_from(hma: Hma, notes: Store) -> None:
    other = replace(PICTURE, hashes=(Hash("pdq", bytes.fromhex(OTHER), 90),))
    hma.faults = [None] * 4 + [replies(502)]  # signal types, the bank twice, the first entry
    with pytest.raises(CommandError, match="error 502; it is not known whether the server accepted the last entry"):
        push_to(hma, notes, PICTURE, other)
    assert push_to(hma, notes, PICTURE, other) == PushReport(added=1, unchanged=1)
    assert len(hma.contents) == 2


@pytest.mark.parametrize("status", [429, 500, 503])
def test_a_busy_server_is_asked_again(hma: Hma, notes: Store, status: int) -> None:
    hma.faults = [replies(status), replies(status), None, replies(status)] + [None] * 2 + [replies(status)] * 3
    assert push_to(hma, notes, PICTURE).added == 1 and len(hma.contents) == 1


def test_but_not_for_ever(hma: Hma, notes: Store) -> None:
    hma.faults = [replies(503, {"message": "no\x1b[31m"})] * 9
    with pytest.raises(CommandError, match=r"error 503 'no\\x1b\[31m'$"):
        push_to(hma, notes, PICTURE)
    assert len(hma.requests) == 4


def test_an_entry_is_not_sent_again_if_the_server_may_have_it(hma: Hma, notes: Store) -> None:
    hma.faults = [None, None, None, hangs_up]
    with pytest.raises(CommandError, match="it is not known whether the server accepted the last entry"):
        push_to(hma, notes, PICTURE)
    assert len(hma.contents) == 1


def test_a_question_is_asked_again_when_the_server_hangs_up(hma: Hma, notes: Store) -> None:
    hma.faults = [hangs_up, None, hangs_up]
    assert push_to(hma, notes, PICTURE).added == 1


def test_what_the_server_refuses_is_told_and_the_rest_goes_on(hma: Hma, notes: Store) -> None:
    refused: list[tuple[int, str]] = []
    hma.faults = [None, None, None, *[replies(400, {"message": "Invalid pdq signal"})] * 2]  # with and without a note
    with HmaServer(hma.url) as server:
        ledger = PushedContents(notes, server.name, "EAST")
        report = push(server, "EAST", [(7, PICTURE), (8, FILM)], ledger, lambda *told: refused.append(told))
        assert (report.refused, report.added) == (1, 1) and refused == [(7, "400 'Invalid pdq signal'")]
        hma.faults = [None, None, None] + [replies(400)] * 150
        with pytest.raises(CommandError, match="keeps refusing entries"):
            push(server, "EAST", ((number, PICTURE) for number in range(100, 200)), ledger)


NOT_JSON = b"<html>"
DEEP = b"[" * 100_000


@pytest.mark.parametrize("place", range(4))
@pytest.mark.parametrize(
    "fault",
    [
        replies(200, NOT_JSON),
        replies(200, DEEP),
        replies(200, b"9" * 5000),
        replies(200, {"id": True, "name": "WEST", "signals": {"pdq": BRIDGE}}),
        replies(200, [1]),
        replies(200, {"id": -1, "signals": {"pdq": BRIDGE}}),
        replies(200, {"id": 1, "signals": {"pdq": OTHER}}),
        replies(418, NOT_JSON),
    ],
)
def test_answers_that_are_not_of_hma(hma: Hma, notes: Store, fault: Fault, place: int) -> None:
    hma.faults = [None] * place + [fault]
    with pytest.raises(CommandError) as caught:
        push_to(hma, notes, PICTURE)
    assert str(caught.value).startswith(hma.url) and "\n" not in str(caught.value)


@pytest.mark.parametrize("body", [{"id": 2}, {"id": 1, "bank": {"name": "EAST"}, "signals": {"pdq": 5}}, [], "x"])
def test_strange_answers_to_reading_back(hma: Hma, body: object) -> None:
    hma.banks["EAST"] = 1.0
    hma.faults = [None, None, replies(200, body)]
    with pytest.raises(CommandError, match="does not answer like an HMA server"):
        contents_of(hma, [1])


@pytest.mark.parametrize("place", range(5))
@pytest.mark.parametrize(
    "body",
    [
        NOT_JSON,
        DEEP,
        [],
        {"id": 1, "bank": 5, "signals": {"pdq": BRIDGE}},
        {"id": 1, "bank": {"name": "EAST"}, "signals": {"pdq": "\ud800"}, "note": ["x"], "disable_until_ts": 1},
        {"id": 1, "bank": {"name": "a/../b"}, "signals": {"pdq": BRIDGE}, "note": "x" * 10**6, "disable_until_ts": 1},
        {"matches": [True, -1, 2**70, "1", 10**9, 1]},
        [{"name": "../x"}, {"name": 5}, {}, {"name": "WEST"}],
    ],
    ids=lambda value: repr(value)[:60],
)
@pytest.mark.parametrize("status", [200, 404])
def test_strange_answers_about_what_is_there(hma: Hma, notes: Store, body: object, status: int, place: int) -> None:
    hma.faults = [None, None, None, None, hangs_up]
    with pytest.raises(CommandError, match="not known"):
        push_to(hma, notes, PICTURE, FILM)
    hma.faults = [None] * place + [replies(status, body)]
    try:
        push_to(hma, notes, PICTURE, FILM)
    except CommandError as error:
        assert str(error).startswith(hma.url) and "\n" not in str(error)
    assert hma.banks == {"EAST": 1.0}


def test_redirects_are_refused(hma: Hma, notes: Store) -> None:
    hma.faults = [replies(302, b"", Location=f"{hma.url}/c/signal_type")]
    with pytest.raises(CommandError, match="redirects elsewhere"):
        push_to(hma, notes, PICTURE)
    assert len(hma.requests) == 1


@pytest.mark.parametrize("status", [401, 403, 407])
def test_a_server_that_wants_a_token_says_so(hma: Hma, notes: Store, status: int) -> None:
    hma.faults = [replies(status, NOT_JSON)]
    with pytest.raises(CommandError, match=TOKEN):
        push_to(hma, notes, PICTURE)


@pytest.mark.parametrize(
    "fault",
    [
        sends_for_ever(b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\n\r\n", b" " * 2**16),
        sends_for_ever(b"HTTP/1.1 200 OK\r\nContent-Length: 99999999999\r\n\r\n[", b"1," * 2**15),
        sends_for_ever(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", b"ffff\r\n" + b" " * 0xFFFF + b"\r\n"),
        sends_for_ever(b"HTTP/1.1 200 OK\r\n", b"X-More: 1\r\n"),
        sends_for_ever(b"HTTP/1.1 200 OK\r\nX-Long: ", b"x" * 2**16),
    ],
)
def test_endless_answers_come_to_an_end(hma: Hma, notes: Store, fault: Fault) -> None:
    hma.faults = [fault] * 4
    with pytest.raises(CommandError):
        push_to(hma, notes, PICTURE)


def test_an_endless_go_on_comes_to_an_end(hma: Hma, notes: Store) -> None:
    hma.faults = [sends_for_ever(b"", b"HTTP/1.1 100 Continue\r\n\r\n")] * 4
    with pytest.raises(CommandError, match=r"no complete response within 0\.2 s"):
        push_to(hma, notes, PICTURE, deadline=0.2)


def test_an_answer_that_is_cut_off_is_none(hma: Hma, notes: Store) -> None:
    hma.faults = [None, None, None, lambda handler: handler.reply(*handler.right_answer(), **{"Content-Length": "999"})]
    with pytest.raises(CommandError, match="not known"):
        push_to(hma, notes, PICTURE, silence=0.2)


def test_what_is_no_http_is_one_error(hma: Hma, notes: Store) -> None:
    hma.faults = [sends_for_ever(b"\0\xff\r\n", b"SSH-2.0-x\r\n")] * 4
    with pytest.raises(CommandError):
        push_to(hma, notes, PICTURE)


def test_a_server_that_is_down(hma: Hma, notes: Store) -> None:
    with running(Hma()) as gone:
        pass
    waits: list[float] = []
    with HmaServer(gone.url, sleep=waits.append) as server, pytest.raises(CommandError, match="refused"):
        push(server, "EAST", [], PushedContents(notes, server.name, "EAST"))
    assert waits == [1.0, 2.0, 4.0]


def test_the_environment_sends_us_to_no_proxy(hma: Hma, notes: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("http_proxy", "HTTP_PROXY", "all_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    assert push_to(hma, notes, PICTURE).added == 1


@pytest.mark.parametrize(
    ("token", "header", "value"),
    [("s3cret", "Authorization", "Bearer s3cret"), ("X-Api-Key: a b", "X-Api-Key", "a b")],
)
def test_a_token_goes_with_every_request(hma: Hma, notes: Store, token: str, header: str, value: str) -> None:
    assert token_from_environment({TOKEN: f" {token}\n"}) == token
    with HmaServer(hma.url, token) as server:
        push(server, "EAST", [(1, PICTURE)], PushedContents(notes, server.name, "EAST"))
    assert [headers[header] for headers in hma.headers] == [value] * 4


def test_a_token_is_never_shown_nor_sent_in_the_clear() -> None:
    assert token_from_environment({}) is token_from_environment({TOKEN: " "}) is None
    for url, token in (
        ("http://hma.example", "s3cret"),
        ("https://hma.example", "s3cret\r\nX: 1"),
        ("https://h", "é: s3cret"),
    ):
        with pytest.raises(CommandError) as caught:
            HmaServer(url, token)
        assert "s3cret" not in str(caught.value)


@pytest.fixture(scope="session")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A certificate for 127.0.0.1 that nobody trusts, with its key."""
    if shutil.which("openssl") is None:
        pytest.skip("openssl is not installed")
    path = tmp_path_factory.mktemp("tls") / "both.pem"
    command = ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"]
    names = [
        "-days",
        "2",
        "-subj",
        "/CN=hma",
        "-addext",
        "subjectAltName=IP:127.0.0.1",
        "-keyout",
        str(path),
        "-out",
        str(path) + ".crt",
    ]
    subprocess.run([*command, *names], check=True, capture_output=True, timeout=60)
    path.write_bytes(path.read_bytes() + Path(f"{path}.crt").read_bytes())
    return path


def test_https_is_trusted_as_the_system_says(notes: Store, certificate: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with running(Hma(), certificate) as hma:
        waits: list[float] = []
        with (
            HmaServer(hma.url, "s3cret", sleep=waits.append) as server,
            pytest.raises(CommandError, match=r"self.signed"),
        ):
            push(server, "EAST", [(1, PICTURE)], PushedContents(notes, server.name, "EAST"))
        assert not hma.requests and not waits
        monkeypatch.setenv("SSL_CERT_FILE", f"{certificate}.crt")
        with HmaServer(hma.url, "s3cret") as server:
            assert push(server, "EAST", [(1, PICTURE)], PushedContents(notes, server.name, "EAST")).added == 1


def test_https_to_a_server_without_it_is_one_error(hma: Hma, notes: Store) -> None:
    url = hma.url.replace("http:", "https:")
    with HmaServer(url, sleep=lambda _seconds: None) as server, pytest.raises(CommandError, match=url):
        push(server, "EAST", [(1, PICTURE)], PushedContents(notes, server.name, "EAST"))


def test_what_is_pushed_is_what_metas_own_library_takes(hma: Hma, notes: Store) -> None:
    types = (
        pytest.importorskip("threatexchange.signal_type.pdq.signal"),
        pytest.importorskip("threatexchange.signal_type.md5"),
    )
    push_to(hma, notes, PICTURE, FILM)
    picture, film = (content["signals"] for content in hma.contents.values())
    assert types[0].PdqSignal.validate_signal_str(picture["pdq"]) == BRIDGE
    assert types[1].VideoMD5Signal.validate_signal_str(film["video_md5"]) == MD5
    assert (types[0].PdqSignal.get_name(), types[1].VideoMD5Signal.get_name()) == (*picture, *film)


@pytest.mark.parametrize(
    "url",
    [
        *("", "hma.example", "ftp://hma.example", "https://", "https://a b", "https://user:s3cret@hma.example"),
        *(
            "https://hma.example?x=1",
            "https://hma.example/#x",
            "https://hma.example:99999",
            "https://[::1",
            "http://h\r\nX: 1",
        ),
    ],
)
def test_urls_that_are_none(url: str) -> None:
    with pytest.raises(CommandError) as caught:
        HmaServer(url)
    assert "s3cret" not in str(caught.value)


@pytest.mark.parametrize("url", ["https://HMA.example/", "https://hma.example:443", "https://hma.example"])
def test_a_server_is_known_by_one_name(url: str) -> None:
    assert HmaServer(url).name == "https://hma.example"
    assert HmaServer("http://[::1]:80/hma/").name == "http://[::1]/hma"


def test_a_path_before_the_one_of_hma(hma: Hma, notes: Store) -> None:
    hma.url += "/behind/a/proxy/"
    assert push_to(hma, notes, PICTURE).added == 1
    assert all(path.startswith("/behind/a/proxy/c/") for _method, path in hma.requests)
