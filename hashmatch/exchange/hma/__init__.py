"""Fills banks on Meta's Hasher-Matcher-Actioner (HMA), version 2, over HTTP, and reads back what we put there.

HMA (hasher-matcher-actioner in github.com/facebook/ThreatExchange) cannot list what is in a bank. Whoever fills one has to
keep the numbers of its contents, because a content can only be read by its number. See `BankLedger`.

Usage:
    with HmaServer(url, token_from_environment()) as server:
        report = push(server, "BANK", ((reference, item), ...), ledger, refused)
        for content in read_contents(server, "BANK", numbers): ...
"""

from __future__ import annotations

from hashmatch.exchange.hma.bank import BankContent, BankLedger, PushReport, push, read_contents
from hashmatch.exchange.hma.client import TOKEN, HmaServer, token_from_environment
from hashmatch.records import Pushed

__all__ = [
    "TOKEN",
    "BankContent",
    "BankLedger",
    "HmaServer",
    "PushReport",
    "Pushed",
    "push",
    "read_contents",
    "token_from_environment",
]
