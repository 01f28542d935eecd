"""What a study still has to do, read off the disk: extractions with their shards, trainings with their cells."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

from harness import record as records
from harness.cells import recorded, wanted
from harness.config import card_named
from harness.contracts import Card, Fold
from harness.costs import Cost, cost_of
from harness.extract import WaveSource
from harness.extract.plan import Piece, pieces, unique
from harness.features import Features, Request
from harness.forecast._stored import stored_calibrations
from harness.inputs import reads_speech
from harness.models import family, presented
from harness.store import Lack
from harness.study import Study


@dataclass(frozen=True, kw_only=True)
class Extraction:
    """One upstream over one corpus; a calibrated one, over one corpus for one fold."""

    cost: Cost
    title: str
    sources: tuple[WaveSource, ...]
    """All that is wanted, longest first."""
    lacking: dict[str, Lack]
    """What the store does not hold of them."""
    layers: tuple[int, ...]
    """Whose frames are kept."""
    training: tuple[WaveSource, ...] = ()
    """What a calibrated upstream hears first, if this still has to be done."""
    note: str = ""

    @cached_property
    def missing(self) -> list[WaveSource]:
        """The utterances to be extracted."""
        return [source for source in self.sources if source.id in self.lacking]

    @cached_property
    def cells(self) -> list[Piece]:
        """The shards to be written."""
        return pieces(self.sources, self.lacking, self.cost.card, self.layers)

    @property
    def calibrated(self) -> bool:
        """Whether the upstream takes statistics of a training part before it extracts."""
        return hasattr(family(self.cost.card), "CALIBRATES")

    @property
    def missing_s(self) -> float:
        """Audio to be extracted."""
        return seconds(self.missing)

    @property
    def done_s(self) -> float:
        """Audio whose features are stored."""
        return seconds(self.sources) - self.missing_s

    @property
    def bytes(self) -> float:
        """What the store will grow by."""
        means = [source for source in self.missing if self.lacking[source.id].means]
        added = sum(self.cost.stored_bytes(source.duration_s) for source in means)
        frames = ((self.cost.frames(source.duration_s), self.lacking[source.id]) for source in self.missing)
        return added + sum(4.0 * self.cost.dim * count * len(lack.layers) for count, lack in frames)


@dataclass(frozen=True, kw_only=True)
class Work:
    """All of a study."""

    study: Study
    extractions: tuple[Extraction, ...]
    cells: int
    """Trainings, fold x seed."""
    missing: tuple[tuple[Fold, int], ...]
    """Of them, those that are not recorded."""
    recorded: bool
    """The whole run is recorded: nothing will be done."""

    @property
    def todo(self) -> int:
        """Trainings that are left."""
        return 0 if self.recorded else len(self.missing)

    @property
    def done(self) -> int:
        """Trainings that are recorded."""
        return self.cells - self.todo

    @property
    def left(self) -> tuple[Extraction, ...]:
        """Extractions that lack something."""
        return tuple(one for one in self.extractions if one.lacking) if self.todo else ()


def seconds(sources: Sequence[WaveSource]) -> float:
    """Audio in these utterances."""
    return sum(source.duration_s for source in sources)


def work_of(study: Study) -> Work:
    """What is there and what is missing; loads no model and writes nothing.

    Raises:
        HarnessError: a store that cannot be read.
    """
    known = None if study.config.force else records.find(study.results, study.key)
    cells, done = wanted(study), recorded(study)
    return Work(
        study=study,
        extractions=tuple(_extractions(study)) if reads_speech(study.config) else (),
        cells=len(cells),
        missing=tuple((fold, seed) for fold, seed in cells if (fold.name, seed) not in done),
        recorded=known is not None,
    )


def _extractions(study: Study) -> Iterator[Extraction]:
    yield from _of_card(study, study.config.upstream, Features(study))
    for name in study.config.beside:
        card = card_named(name)
        yield from _of_card(study, card, Features(study, card))


def _of_card(study: Study, written: Card, features: Features) -> Iterator[Extraction]:
    """One extraction per corpus, and per fold where the upstream is calibrated."""
    cost = cost_of(written)
    if not (written.dim and written.layers):
        sized = replace(written, dim=cost.dim, layers=cost.layers)
        yield from (_unknown(replace(cost, card=sized), request) for request in features.requests(sized))
    elif hasattr(family(written), "CALIBRATES"):
        yield from _calibrated(study, replace(cost, card=presented(written)), features.requests())
    else:
        shown = replace(cost, card=presented(written))
        yield from (_stored(shown, request) for request in features.requests())


def _stored(cost: Cost, request: Request) -> Extraction:
    """What its store lacks."""
    store, ids = request.store, [wave.id for wave in request.waves]
    return _extraction(cost, request, {} if store is None else store.lacking(ids, request.layers))


def _unknown(cost: Cost, request: Request) -> Extraction:
    """A card that does not say its sizes: the store's name is known only once the model is loaded."""
    note = "its sizes are known once it is loaded: all of it is taken as missing, whatever is stored"
    return replace(_extraction(cost, request, _all(request)), note=note)


def _calibrated(study: Study, cost: Cost, requests: Sequence[Request]) -> Iterator[Extraction]:
    """A store per fold, named by what calibrating it gives: complete ones are counted by their keys on disk."""
    stored = min((stored_calibrations(request) for request in requests), default=0)
    for number, fold in enumerate(study.folds.folds):
        train = study.utterances_of(study.by_id(fold.train))
        for request in requests:
            heard = set(request.source.own(train))
            found = _extraction(cost, request, {} if number < stored else _all(request))
            yield replace(
                found,
                title=f"{found.title}, calibrated on {fold.name}",
                training=tuple(wave for wave in request.waves if wave.id in heard),
            )


def _extraction(cost: Cost, request: Request, lacking: dict[str, Lack]) -> Extraction:
    return Extraction(
        cost=cost,
        title=f"{request.upstream} over {request.source.manifest.facts.name}",
        sources=tuple(unique(request.waves)),
        lacking=lacking,
        layers=tuple(request.layers),
    )


def _all(request: Request) -> dict[str, Lack]:
    return {wave.id: Lack(means=True, layers=tuple(request.layers)) for wave in request.waves}
