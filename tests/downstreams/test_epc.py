"""The networks for conversations against a slow reading of the same description, example by example."""

from __future__ import annotations

import copy
import importlib
from typing import Any

import pytest
import torch
from torch import nn

from downstreams._epc_training import class_weights
from harness.contracts import Contexts, LabelledContexts, Shape
from harness.errors import CheckError, ConfigError, SplitError

HEADS = ["epc_shi2023", "epc_shi2020", "epc_gru"]
DIM, HIDDEN, CLASSES = 7, 12, 4
SPEAKER, INTERLOCUTOR, OTHER = range(3)


def conversations(seed: int, examples: int = 20, roles: int = 3, longest: int = 9) -> Contexts:
    """Random vectors, of which examples share some; some roles never speak."""
    chance = torch.Generator().manual_seed(seed)
    counts = torch.randint(1, longest + 1, (examples,), generator=chance)
    total = int(counts.sum())
    return Contexts(
        torch.randn(30, 1, DIM, generator=chance),
        torch.randint(0, 30, (total,), generator=chance),
        torch.cat([torch.zeros(1).long(), counts.cumsum(0)]),
        torch.randint(0, roles, (total,), generator=chance),
    )


def built(name: str, seed: int = 0, **settings: Any) -> Any:
    module: Any = importlib.import_module(f"downstreams.{name}")
    return module.build(module.Config(**{"hidden_dim": HIDDEN, **settings}), Shape(1, DIM, CLASSES), seed)


def gru_of(weights: dict[str, torch.Tensor], prefix: str, dim: int) -> nn.GRU:
    """A GRU of torch itself with the head's weights."""
    gru = nn.GRU(dim, HIDDEN, num_layers=2, batch_first=True)
    gru.load_state_dict(
        {key.removeprefix(prefix): value for key, value in weights.items() if key.startswith(prefix)}
    )
    return gru.eval()


def linear(weights: dict[str, torch.Tensor], name: str, values: torch.Tensor) -> torch.Tensor:
    return values @ weights[f"{name}.weight"].T + weights[f"{name}.bias"]


def branch(weights: dict[str, torch.Tensor], name: str, states: torch.Tensor) -> torch.Tensor:
    if len(states) == 0:
        return torch.zeros(HIDDEN)
    own, _ = gru_of(weights, f"{name}.recurrent.gru.", HIDDEN)(states[None])
    query, key, value = (
        linear(weights, f"{name}.attention.{part}", own[0]) for part in ("query", "key", "value")
    )
    attended = torch.stack(
        [
            sum(
                (
                    share * row
                    for share, row in zip((one @ key.T / HIDDEN**0.5).softmax(0), value, strict=True)
                ),
                torch.zeros(HIDDEN),
            )
            for one in query
        ]
    )
    return attended.mean(0)


@torch.no_grad()
def slowly(name: str, module: nn.Module, view: Contexts) -> torch.Tensor:
    """Logits by the description, one example after the other."""
    weights, logits = module.state_dict(), []
    for example in range(len(view)):
        first, last = int(view.offsets[example]), int(view.offsets[example + 1])
        roles = view.roles[first:last]
        states = gru_of(weights, "interaction.gru.", DIM)(view.values[view.rows[first:last], 0][None])[0][0]
        if name == "epc_gru":
            logits.append(linear(weights, "classifier", states[-1]))
            continue
        partners = roles == INTERLOCUTOR if name == "epc_shi2023" else roles != SPEAKER
        mine = branch(weights, "speaker", states[roles == SPEAKER])
        theirs = branch(weights, "interlocutor", states[partners])
        logits.append(linear(weights, "classifier", torch.cat([mine, theirs, states[-1]])))
    return torch.stack(logits)


@pytest.mark.parametrize("name", HEADS)
def test_is_what_the_description_says(name: str) -> None:
    head, view = built(name), conversations(1)
    # sums of a dozen float32 products, in another order
    torch.testing.assert_close(head.predict(view), slowly(name, head.module, view), rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("name", HEADS)
def test_an_example_alone_is_what_it_is_in_company(name: str) -> None:
    head, view = built(name), conversations(2)
    together = head.predict(view)
    for example in range(len(view)):
        alone = head.predict(view.take(torch.tensor([example])))
        torch.testing.assert_close(alone[0], together[example], rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("name", HEADS)
def test_order_and_company_of_examples_change_nothing(name: str) -> None:
    head, view = built(name), conversations(3)
    mixed = torch.randperm(len(view), generator=torch.Generator().manual_seed(0))
    torch.testing.assert_close(
        head.predict(view.take(mixed)), head.predict(view)[mixed], rtol=1e-5, atol=1e-5
    )


@pytest.mark.parametrize("name", HEADS)
@pytest.mark.parametrize("role", [SPEAKER, INTERLOCUTOR, OTHER])
def test_where_only_one_speaks(name: str, role: int) -> None:
    head, view = built(name), conversations(4)
    lonely = Contexts(*view[:3], torch.full_like(view.roles, role))
    logits = head.predict(lonely)
    assert bool(torch.isfinite(logits).all())
    torch.testing.assert_close(logits, slowly(name, head.module, lonely), rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("name", HEADS)
def test_gradients_are_finite_where_a_role_is_silent(name: str) -> None:
    head, view = built(name), conversations(5)
    quiet = Contexts(*view[:3], torch.zeros_like(view.roles))
    head.module(quiet).sum().backward()
    assert all(
        weight.grad is None or bool(torch.isfinite(weight.grad).all()) for weight in head.module.parameters()
    )


def test_where_two_people_talk_both_networks_are_one() -> None:
    older, newer = (built(name, epochs=3) for name in ("epc_shi2020", "epc_shi2023"))
    view = conversations(6, roles=2)
    assert all(
        torch.equal(older.module.state_dict()[key], value) for key, value in newer.module.state_dict().items()
    )
    assert torch.equal(older.predict(view), newer.predict(view))
    train, watch = labelled(7, roles=2), labelled(8, roles=2)
    reports = [head.fit(train, watch, lambda _: None) for head in (older, newer)]
    assert reports[0] == reports[1]
    assert torch.equal(older.predict(view), newer.predict(view))


def test_where_more_talk_they_are_not() -> None:
    view = conversations(6)
    assert not torch.allclose(
        built("epc_shi2020").predict(view), built("epc_shi2023").predict(view), atol=1e-4
    )


def labelled(seed: int, roles: int = 3, examples: int = 40) -> LabelledContexts:
    view = conversations(seed, examples, roles)
    return LabelledContexts(view, torch.arange(examples) % CLASSES)


def test_parts_have_the_published_sizes() -> None:
    module: Any = importlib.import_module("downstreams.epc_shi2023")
    sizes = module.build(module.Config(), Shape(1, 768, 4), 0).module.state_dict()
    assert sizes["interaction.gru.weight_ih_l0"].shape == (3 * 256, 768)
    assert sizes["speaker.recurrent.gru.weight_ih_l1"].shape == (3 * 256, 256)
    assert sizes["interlocutor.attention.query.weight"].shape == (256, 256)
    assert sizes["classifier.weight"].shape == (4, 768)
    config = module.Config()
    assert (config.lr, config.batch, config.epochs, config.patience, config.dropout) == (
        1e-4,
        32,
        50,
        10,
        0.5,
    )


def test_training_ends_when_the_watch_loss_is_not_beaten() -> None:
    """Labels of noise: what is learnt by heart makes the watched part worse."""
    head = built("epc_gru", lr=3e-2, epochs=200, patience=4, dropout=0.0)
    told: list[float] = []
    report = head.fit(labelled(1), labelled(2), told.append)
    losses = [row["watch_loss"] for row in report.history]
    best = losses.index(min(losses)) + 1
    assert len(losses) == best + 4 < 200
    assert report.selected == f"epoch {best} by watch loss {min(losses):.4f}"
    assert told[-1] == 1.0
    watch = labelled(2)
    loss = nn.functional.cross_entropy(
        head.predict(watch.view), watch.targets
    )  # even classes: the plain loss
    assert float(loss) == pytest.approx(min(losses), rel=1e-5)


def test_without_a_watched_part_the_last_epoch_counts() -> None:
    report = built("epc_gru", epochs=3).fit(labelled(1), None, lambda _: None)
    assert report.selected == "epoch 3, the last"
    assert [set(row) for row in report.history] == [{"epoch", "loss"}] * 3


def test_classes_weigh_inversely_to_their_frequency() -> None:
    targets = torch.tensor([0] * 6 + [1] * 3 + [3])
    weights = class_weights(targets, 5)
    torch.testing.assert_close(weights[targets].sum(), torch.tensor(10.0))
    shares = [float(weights[name] * (targets == name).sum()) for name in range(5)]
    assert shares == pytest.approx([10 / 3, 10 / 3, 0, 10 / 3, 0])


def test_training_is_a_step_of_adam_on_the_weighted_loss() -> None:
    """One batch of all examples, against the same step written out."""
    view, targets = labelled(1).view, torch.where(torch.arange(40) < 30, 0, torch.arange(40) % CLASSES)
    head = built("epc_shi2023", epochs=1, batch=40, dropout=0.0, lr=1e-2)
    network = copy.deepcopy(head.module).train()
    loss = nn.functional.cross_entropy(network(view), targets, class_weights(targets, CLASSES))
    loss.backward()  # type: ignore[no-untyped-call]
    torch.optim.Adam(network.parameters(), lr=1e-2).step()
    report = head.fit(LabelledContexts(view, targets), None, lambda _: None)
    assert report.history[0]["loss"] == pytest.approx(float(loss.detach()), rel=1e-5)
    for key, value in network.state_dict().items():
        # Adam's first step is the rate times the gradient's sign, which rounding decides where it is all but zero
        close = torch.isclose(head.module.state_dict()[key], value, rtol=1e-4, atol=1e-4)
        assert float(close.float().mean()) > 0.98


def test_the_watch_loss_is_weighted_like_the_training_loss() -> None:
    train = labelled(1)
    targets = torch.where(torch.arange(40) < 30, 0, torch.arange(40) % CLASSES)
    head = built("epc_gru", epochs=1)
    report = head.fit(LabelledContexts(train.view, targets), labelled(2), lambda _: None)
    watch, weights = labelled(2), class_weights(targets, CLASSES)
    single = nn.functional.cross_entropy(head.predict(watch.view), watch.targets, reduction="none")
    mine = float((single * weights[watch.targets]).sum() / weights[watch.targets].sum())
    assert report.history[0]["watch_loss"] == pytest.approx(mine, rel=1e-5)


def test_what_cannot_be_read_is_refused() -> None:
    head, part = built("epc_gru"), labelled(1)
    silent = Contexts(part.view.values, part.view.rows, part.view.offsets * 0, part.view.roles)
    with pytest.raises(CheckError, match="read no utterance"):
        head.predict(silent)
    module: Any = importlib.import_module("downstreams.epc_gru")
    with pytest.raises(ConfigError, match="one layer"):
        module.build(module.Config(), Shape(13, DIM, CLASSES), 0)
    with pytest.raises(SplitError, match="is empty"):
        head.predict(part.view.take(torch.empty(0, dtype=torch.int64)))


def test_contexts_are_taken_without_copying_what_is_said() -> None:
    view = conversations(9)
    taken = view.take(torch.tensor([4, 0, 4]))
    assert len(taken) == 3
    assert taken.values is view.values
    for place, example in enumerate([4, 0, 4]):
        first, last = int(view.offsets[example]), int(view.offsets[example + 1])
        mine = slice(int(taken.offsets[place]), int(taken.offsets[place + 1]))
        assert torch.equal(taken.rows[mine], view.rows[first:last])
        assert torch.equal(taken.roles[mine], view.roles[first:last])
