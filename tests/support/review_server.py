"""A kept scan of made-up pictures, and a real server of its review page on a port that the system chooses."""

from __future__ import annotations

import http.client
import os
import re
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlencode, urlsplit

from hashmatch.matching.results import Result
from hashmatch.media.files import walk
from hashmatch.report import as_json
from hashmatch.store import open_store
from tests.support.command_line import environment
from tests.support.drawn_pictures import animation, picture
from tests.support.indexed_files import index_paths, scan_found
from tests.support.interruptible import start_interruptible
from tests.support.repository import ROOT

#: What an enemy may call a file.
EVIL = "\"'><script>window.pwned=1</script><img src=x onerror=window.pwned=1>{{7*7}}\u202egpj.jpg".replace("/", "\\")
#: How many pictures are matched once. They follow the first reference, which three files match.
SINGLE = 15


@dataclass(frozen=True)
class Case:
    """The scanned files, a reference set, and the kept scan."""

    folder: Path
    db: Path
    scan: Path

    def copy(self, folder: Path) -> Case:
        """The same case with a copy of the database in a folder. The files stay where they are."""
        shutil.copy(self.db, folder / "reference.db")
        return Case(self.folder, folder / "reference.db", self.scan)


def make(folder: Path) -> Case:
    """Make 20 matches: one of the same bytes, three of one reference, a film, one with an evil name, and others."""
    known, found = folder / "known", folder / "found"
    known.mkdir()
    found.mkdir()
    for number in range(SINGLE + 1):
        picture(known / f"{number}.jpg", number)
        name = f"صورة-{number}.jpg" if number % 2 else f"copy {number}.jpg"
        picture(found / (EVIL if number == 3 else name), number, 60)
    picture(found / "again.jpg", 0, 50)
    picture(found / "once more.jpg", 0, 40)
    shutil.copy(known / "5.jpg", found / "same.jpg")
    animation(known / "film.webp", "abcdefgh")
    animation(found / "film.webp", "bcdefg")
    db, kept = folder / "reference.db", folder / "scan.jsonl"
    with open_store(db, write=True) as store:
        index_paths(store, known, collection="archive")
    write(kept, scan_of(db, found))
    return Case(folder, db, kept)


def scan_of(db: Path, *paths: Path) -> list[Result]:
    with open_store(db) as store:
        return list(scan_found(store, walk(map(os.fsencode, paths))))


def write(path: Path, results: Sequence[Result]) -> None:
    with path.open("wb") as out:
        for result in results:
            as_json.dump(as_json.result(result), out)


@dataclass(frozen=True)
class Answer:
    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def text(self) -> str:
        return self.body.decode("utf-8")


class Served:
    """A running `hashmatch review`. cookie: empty until `enter` opens the link."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        assert process.stdout is not None
        self.process = process
        self.link = process.stdout.readline().strip()
        assert self.link, process.stderr and process.stderr.read()
        parts = urlsplit(self.link)
        assert parts.hostname == "127.0.0.1" and parts.port
        self.port, self.base = parts.port, parts.path.removesuffix("/enter")
        self.host = f"127.0.0.1:{self.port}"
        self.query, self.cookie, self.secret = parts.query, "", ""

    def enter(self) -> Answer:
        answer = self.ask("GET", f"/enter?{self.query}")
        self.cookie = answer.headers.get("set-cookie", "").partition(";")[0]
        found = re.search('name="secret" value="([^"]+)"', self.ask("GET", "/list").text)
        self.secret = found[1] if found else ""
        return answer

    def ask(
        self,
        method: str,
        path: str,
        headers: Mapping[str, str | None] = {},
        body: str | None = None,
        base: str | None = None,
    ) -> Answer:
        """Send one request with a browser's headers. headers: change some; None leaves one out."""
        sent: dict[str, str | None] = {"Host": self.host, "Cookie": self.cookie or None}
        if method == "POST":
            sent |= {"Origin": f"http://{self.host}", "Content-Type": "application/x-www-form-urlencoded"}
        sent |= headers
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=120)
        try:
            connection.putrequest(method, (self.base if base is None else base) + path, skip_host=True)
            for name, value in sent.items():
                if value is not None:
                    connection.putheader(name, value)
            if body is not None:
                connection.putheader("Content-Length", str(len(body)))
            connection.endheaders(body.encode() if body is not None else None)
            answer = connection.getresponse()
            return Answer(answer.status, {k.lower(): v for k, v in answer.getheaders()}, answer.read())
        finally:
            connection.close()

    def decide(
        self, decision: str, *items: int, note: str = "", back: str = "match/1", **headers: str | None
    ) -> Answer:
        fields = [("secret", self.secret), ("decision", decision), ("note", note), ("back", back)]
        fields += [("item", str(item)) for item in items]
        return self.ask("POST", "/decide", headers, urlencode(fields))

    def told(self) -> str:
        """What the page says about the last decision."""
        found = re.search('<div class="told" role="status">(.*?)</div>', self.ask("GET", "/list").text, re.DOTALL)
        assert found
        return " ".join(re.sub("<[^>]+>", " ", found[1]).split())


#: Runs the command in a made-up language. Arguments: the language, the folder of its catalogues, the command's.
IN_ANOTHER_LANGUAGE = (
    "import functools, pathlib, sys; from hashmatch import i18n; language, folder = sys.argv[1:3];"
    "i18n.activate = functools.partial(lambda where, *_: where(language, pathlib.Path(folder)), i18n.activate);"
    "from hashmatch.cli import run; sys.exit(run(sys.argv[3:]))"
)


@contextmanager
def served(case: Case, *options: str, language: str = "", catalogues: Path | None = None) -> Iterator[Served]:
    """Serve the page of a case, and stop it with Ctrl-C unless it has ended already."""
    program = ["-c", IN_ANOTHER_LANGUAGE, language, str(catalogues)] if catalogues else ["-m", "hashmatch"]
    command = [sys.executable, *program, "--db", str(case.db), "review", str(case.scan), *options]
    process = start_interruptible(
        command, cwd=ROOT, env=environment(), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    with process:
        try:
            yield Served(process)
        finally:
            if process.poll() is None:
                process.send_signal(signal.SIGINT)
                process.wait(timeout=60)
