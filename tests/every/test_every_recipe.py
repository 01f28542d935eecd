"""Every recipe composes, names what exists, and says what it is."""

from __future__ import annotations

import pytest

from harness import config, parts, registry


@pytest.mark.parametrize("name", parts.recipe_names())
def test_composes_with_its_defaults(name: str) -> None:
    recipe = config.compose(name, [])
    assert recipe.about
    assert recipe.version >= 1
    for kind, part in (("tasks", recipe.task), ("splits", recipe.split), ("downstreams", recipe.head)):
        module = registry.load(kind, part.name)
        config.build(module.Config, part.settings, where=part.name)
    corpus = registry.load("corpora", recipe.corpus.name)
    assert corpus.FACTS.name == recipe.corpus.name


@pytest.mark.parametrize("upstream", parts.part_names("upstream"))
def test_takes_any_upstream_with_its_weights_anywhere(upstream: str) -> None:
    card = config.compose("synthetic_5fold", [f"upstream={upstream}", "upstream.path=/weights"]).upstream
    assert (card.name, card.path) == (upstream, "/weights")


@pytest.mark.parametrize("name", [n for n in parts.recipe_names() if n != "synthetic_5fold"])
def test_a_corpus_under_licence_has_no_default_root(name: str) -> None:
    assert config.compose(name, []).corpus.root is None


def test_safe_choices_are_the_defaults() -> None:
    """Nothing selects on test, and speakers are shared only where a published protocol is named."""
    for name in parts.recipe_names():
        settings = config.compose(name, []).split.settings
        assert settings["select"] == "dev"
        if "10fold" in name:
            assert "arXiv" in settings["shares_speakers_as"]
        else:
            assert not settings["shares_speakers_as"]
