"""Meta's Hasher-Matcher-Actioner, version 2, over HTTP: a bank there is filled from here, and what we put there read back.

HMA (hasher-matcher-actioner in github.com/facebook/ThreatExchange) has no way to list what is in a bank: whoever fills one
has to keep the numbers of its contents, and only what one has the number of can be read. See `BankLedger`.

Usage:
    with Server(url, token_from_environment()) as server:
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
