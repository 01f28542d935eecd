"""How long SUPERB's head trains on an IEMOCAP-sized store of time means: five folds, 30,000 updates each.

The means are random numbers of the right shape, 5,531 x 13 x 768 float32, with SUPERB's fold sizes: this measures
time, not emotion. A plain autograd loop over the same batches runs beside it for fewer updates.

    python benchmarks/superb_linear.py                    # all five folds
    python benchmarks/superb_linear.py --updates 3000     # a tenth; the total is scaled up and says so
"""

from __future__ import annotations

import argparse
import resource
import time
from collections.abc import Iterator

import torch
from torch import nn

from downstreams import superb_linear
from harness.contracts import Labelled, Means, Shape

SHAPE = Shape(layers=13, dim=768, classes=4)
FULL_UPDATES = 30_000
SESSIONS = (1085, 1023, 1151, 1031, 1241)
"""Utterances of the four-class task in IEMOCAP's five sessions (s3prl, meta_data/Session*)."""


def random_corpus(seed: int) -> Labelled:
    """Random means with a weak class signal, so that training has something to do."""
    chance = torch.Generator().manual_seed(seed)
    utterances = sum(SESSIONS)
    targets = torch.randint(SHAPE.classes, (utterances,), generator=chance)
    values = torch.randn(utterances, SHAPE.layers, SHAPE.dim, generator=chance)
    values += 0.02 * torch.randn(SHAPE.classes, 1, SHAPE.dim, generator=chance)[targets]
    return Labelled(Means(values), targets)


def part(corpus: Labelled, rows: torch.Tensor) -> Labelled:
    """Some utterances of a corpus."""
    view = corpus.view
    return Labelled(view.take(rows), corpus.targets[rows])


def folds(corpus: Labelled) -> Iterator[tuple[Labelled, Labelled]]:
    """Training part and watched part (a fifth of the other sessions) of each session's fold."""
    session = torch.repeat_interleave(torch.arange(len(SESSIONS)), torch.tensor(SESSIONS))
    for held_out in range(len(SESSIONS)):
        rows = torch.nonzero(session != held_out).flatten()
        rows = rows[torch.randperm(len(rows), generator=torch.Generator().manual_seed(held_out))]
        border = int(0.8 * len(rows))
        yield part(corpus, rows[:border]), part(corpus, rows[border:])


def ignore(share: float) -> None:
    """Progress that nobody watches."""


def head_seconds(train: Labelled, watch: Labelled, updates: int) -> float:
    """Wall time of one fold, selection included."""
    config = superb_linear.Config(updates=updates, eval_every=min(1000, updates))
    start = time.perf_counter()
    report = superb_linear.build(config, SHAPE, seed=0).fit(train, watch, ignore)
    spent = time.perf_counter() - start
    print(f"{spent:.1f} s, selected {report.selected}", flush=True)
    return spent


def plain_seconds(train: Labelled, updates: int) -> float:
    """Wall time of the loop one would write first: modules, autograd, Adam, clipping."""
    values, targets = train.view.values, train.targets
    layer_weights = nn.Parameter(torch.zeros(SHAPE.layers))
    projector, classifier = nn.Linear(SHAPE.dim, 256), nn.Linear(256, SHAPE.classes)
    parameters = [layer_weights, *projector.parameters(), *classifier.parameters()]
    adam = torch.optim.Adam(parameters, lr=1.0e-4)
    start = time.perf_counter()
    for _ in range(updates):
        rows = torch.randint(len(values), (32,))
        mixed = torch.einsum("l,nld->nd", layer_weights.softmax(0), values[rows])
        loss = nn.functional.cross_entropy(classifier(projector(mixed)), targets[rows])
        adam.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(parameters, 1.0)
        adam.step()
    return time.perf_counter() - start


def main() -> None:
    """Run both and print the figures."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--updates", type=int, default=FULL_UPDATES, help="updates per fold")
    parser.add_argument("--plain-updates", type=int, default=300, help="of the plain loop, per fold")
    parser.add_argument("--threads", type=int, default=torch.get_num_threads())
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    corpus = random_corpus(seed=0)
    print(f"synthetic means {tuple(corpus.view.values.shape)}, {options.threads} threads")
    total = plain = 0.0
    for train, watch in folds(corpus):
        total += head_seconds(train, watch, options.updates)
        plain += plain_seconds(train, options.plain_updates) / options.plain_updates / len(SESSIONS)
    per_update = total / len(SESSIONS) / options.updates
    print(f"5 folds x {options.updates} updates: {total:.1f} s, {1e3 * per_update:.2f} ms per update")
    if options.updates != FULL_UPDATES:
        print(f"scaled to 30,000 updates: {total * FULL_UPDATES / options.updates:.0f} s (not measured)")
    print(f"plain autograd loop: {1e3 * plain:.2f} ms per update, {plain / per_update:.2f} times as long")
    print(f"peak memory {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20:.2f} GiB")


if __name__ == "__main__":
    main()
