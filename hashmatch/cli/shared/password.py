"""Passwords of secret keys: from the environment (for pipelines), else typed without being shown."""

from __future__ import annotations

import os
import sys

import click

from hashmatch.cli.shared.app import stream_is_terminal
from hashmatch.errors import CommandError
from hashmatch.i18n import _

_VARIABLE = "HASHMATCH_KEY_PASSWORD"


def ask(name: str) -> str:
    """The password of an existing secret key. Raises CommandError if there is nobody to ask."""
    return _given(name, new=False)


def choose(name: str) -> str:
    """A password for a new key, typed twice. Raises CommandError if there is nobody to ask, or if it is empty."""
    password = _given(name, new=True)
    if not password:
        raise CommandError(_("an empty password protects nothing"))
    return password


def _given(name: str, *, new: bool) -> str:
    if (given := os.environ.get(_VARIABLE)) is not None:
        return given
    if not stream_is_terminal(sys.stdin):
        message = _("the key {name} needs a password, and there is no terminal to ask for it: set {variable}")
        raise CommandError(message.format(name=name, variable=_VARIABLE))
    prompt = _("Password for the key {name}").format(name=name)
    password: str = click.prompt(prompt, hide_input=True, confirmation_prompt=new, err=True)
    return password
