"""--cluster: the same work on a Dask cluster, and messages about it."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeVar

import click

from hashmatch.cli.shared import sections
from hashmatch.cli.shared.app import App
from hashmatch.errors import CommandError
from hashmatch.i18n import _

if TYPE_CHECKING:
    from hashmatch.cli.shared.walking import Walking
    from hashmatch.cli.shared.workers import Examining
    from hashmatch.cluster.connection import Cluster, Rate
    from hashmatch.fingerprints.examiner import Examiner
    from hashmatch.hashers.learned import ModelFile
    from hashmatch.isolation import Isolation
    from hashmatch.matching.tiers import Profile
    from hashmatch.media.files import FoundPath
    from hashmatch.search.searcher import Searcher
    from hashmatch.store import Store

F = TypeVar("F", bound=Callable[..., Any])


def cluster_option(command: F) -> F:
    return sections.option(
        "--cluster",
        "address",
        metavar="ADDRESS",
        section=sections.PROCESSES,
        help=_(
            "Work on a Dask cluster: tcp://host:8786, tls://host:8786, or local:4 for four processes on this machine."
            " Paths must be the same for every worker, or URLs such as s3://bucket/prefix."
        ),
    )(command)


@dataclass(frozen=True, slots=True)
class Clustered:
    """Where files are examined and searched for: on a cluster, or on this machine if `cluster` is None."""

    cluster: Cluster | None
    isolation: Isolation

    def walk(self, walking: Walking, paths: Sequence[bytes]) -> Iterator[FoundPath]:
        """The files below the paths. Raises CommandError if one is a URL and there is no cluster."""
        from hashmatch.media.urls import is_url

        if self.cluster is None:
            for path in paths:
                if is_url(path) and not os.path.exists(path):
                    message = _("only the workers of a cluster can read {url}: give --cluster, for example local:2")
                    raise CommandError(message.format(url=os.fsdecode(path)))
            return walking.walk(paths)
        from hashmatch.cluster.sources import walk_all

        return walk_all(paths, walking.exclude, follow=walking.follow, one_file_system=walking.one_file_system)

    def examiner(self, store: Store, adds: bool) -> Examiner:
        """What examines files. store: the reference set to compare with. adds: whether files are added to it."""
        if self.cluster is None:
            from hashmatch.fingerprints.many_files import LocalExaminer

            return LocalExaminer(self.isolation)
        from hashmatch.cluster.examining import ClusterExaminer
        from hashmatch.cluster.sizes import Sizes

        return ClusterExaminer(self.cluster, self.isolation, Sizes(store.connection, grows=adds))

    def searcher(
        self,
        store: Store,
        collections: Sequence[str],
        profile: Profile,
        radius: int | None,
        models: Sequence[ModelFile] = (),
    ) -> Searcher:
        """What searches a reference set. Arguments: as for LocalSearcher."""
        if self.cluster is None:
            from hashmatch.search.searcher import LocalSearcher

            return LocalSearcher(store, collections=collections, profile=profile, radius=radius, models=models)
        from hashmatch.cluster.searching import ClusterSearcher

        return ClusterSearcher(
            self.cluster, store, collections=collections, profile=profile, radius=radius, models=models
        )


@contextlib.contextmanager
def clustered(app: App, address: str | None, examining: Examining) -> Iterator[Clustered]:
    """Join the cluster at an address, if there is one. At the end of the block, say what each worker did.

    Raises CommandError if it cannot join the cluster, UsageError if --workers is given too.
    """
    if address is None:
        yield Clustered(None, examining.isolation)
        return
    if examining.isolation.workers is not None:
        raise click.UsageError(
            _("--workers is for this machine only; a cluster has the workers that were started, or N with local:N")
        )
    from hashmatch.cluster.connection import joined

    with joined(address) as cluster:
        count = len(cluster.workers())
        text = _("cluster {address}: {count} workers")
        if cluster.dashboard:
            text = _("cluster {address}: {count} workers, dashboard {link}")
        app.say(text.format(address=address, count=count, link=cluster.dashboard))
        yield Clustered(cluster, examining.isolation)
        _print_rates(app, cluster.rates.items())


def _print_rates(app: App, rates: Iterable[tuple[str, Rate]]) -> None:
    for place, rate in sorted(rates):
        text = _("{place}: {files:,} files, {speed:.1f} files/s, {bytes:.1f} MB/s")
        seconds = max(rate.seconds, 1e-3)
        app.say(
            text.format(place=place, files=rate.files, speed=rate.files / seconds, bytes=rate.bytes / seconds / 1e6)
        )
