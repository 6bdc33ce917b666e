"""Fills banks on Meta's Hasher-Matcher-Actioner (HMA), version 2, over HTTP, and reads back what we put there.

HMA (hasher-matcher-actioner in github.com/facebook/ThreatExchange) cannot list what is in a bank. Whoever fills one has to
keep the numbers of its contents, because a content can only be read by its number. See `BankLedger`.

Usage:
    with HmaServer(url, token_from_environment()) as server:
        report = push(server, "BANK", ((reference, item), ...), ledger, refused)
        for content in read_contents(server, "BANK", numbers): ...
"""

from __future__ import annotations

from hashmatch.exchange.hma.bank import FoundContent, HmaBank, digest_of
from hashmatch.exchange.hma.bank_ledger import BankLedger
from hashmatch.exchange.hma.client import CONNECTIONS, TOKEN, HmaServer, token_from_environment
from hashmatch.exchange.hma.notes import ContentNote
from hashmatch.exchange.hma.push import PushReport, push
from hashmatch.exchange.hma.read_back import BankContent, read_contents, read_ours
from hashmatch.exchange.hma.whereabouts import Whereabouts, find_ours
from hashmatch.records import Pushed, SentContent

__all__ = [
    "CONNECTIONS",
    "TOKEN",
    "BankContent",
    "BankLedger",
    "ContentNote",
    "FoundContent",
    "HmaBank",
    "HmaServer",
    "PushReport",
    "Pushed",
    "SentContent",
    "Whereabouts",
    "digest_of",
    "find_ours",
    "push",
    "read_contents",
    "read_ours",
    "token_from_environment",
]
