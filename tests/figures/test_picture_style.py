"""What every picture keeps to: colours, contrast, sizes in print, nothing cut or covered, the same bytes."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from itertools import combinations
from pathlib import Path

import matplotlib as mpl
import numpy as np
import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.text import Text
from numpy.typing import NDArray

from harness import record as records
from harness.errors import HarnessError
from harness.plots import (
    PAGE_IN,
    Curve,
    DurationBin,
    LanguageRow,
    Panel,
    Published,
    confusion_figure,
    duration_figure,
    embedding_figure,
    language_figure,
    layer_figure,
    save,
    style,
    training_picture,
)
from harness.plots._style import COLOURS, MARKERS, colour, luminance, marker, wrapped

LONG = "pleasant_surprise_that_nobody_had_expected_of_a_class"
CLASSES = ["anger", "boredom", "disgust", LONG, "happiness", "neutral", "sadness"]
DEUTERANOPIA = np.array(
    [[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413], [-0.01182, 0.04294, 0.968881]]
)
PROTANOPIA = np.array(
    [[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216], [-0.003882, -0.048116, 1.051998]]
)
TRITANOPIA = np.array(
    [[1.255528, -0.076749, -0.178779], [-0.078411, 0.930809, 0.147602], [0.004733, 0.691367, 0.3039]]
)
"""Machado, Oliveira and Fernandes 2009, Table 1, severity 1.0, on linear RGB."""


def linear(colours: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.where(colours <= 0.04045, colours / 12.92, ((colours + 0.055) / 1.055) ** 2.4)


def lab(rgb: NDArray[np.float64]) -> NDArray[np.float64]:
    """CIE Lab of linear sRGB, white D65."""
    to_xyz = np.array([[0.4124, 0.3576, 0.1805], [0.2126, 0.7152, 0.0722], [0.0193, 0.1192, 0.9505]])
    ratio = rgb @ to_xyz.T / [0.9505, 1.0, 1.089]
    root = np.where(ratio > 0.008856, np.cbrt(ratio), 7.787 * ratio + 16 / 116)
    return np.stack(
        [116 * root[:, 1] - 16, 500 * (root[:, 0] - root[:, 1]), 200 * (root[:, 1] - root[:, 2])], axis=1
    )


@pytest.mark.parametrize(
    "vision", [np.eye(3), DEUTERANOPIA, PROTANOPIA, TRITANOPIA], ids=["full", "d", "p", "t"]
)
def test_classes_stay_apart_for_every_colour_vision(vision: NDArray[np.float64]) -> None:
    """CIE Lab distances; 2.3 is a just noticeable difference, 15 is seen at a glance."""
    rgb = np.array([mpl.colors.to_rgb(name) for name in COLOURS])
    seen = lab(np.clip(linear(rgb) @ vision.T, 0, 1))
    assert min(float(np.linalg.norm(a - b)) for a, b in combinations(seen, 2)) > 15


def test_classes_show_on_white() -> None:
    assert min(1.05 / (luminance(mpl.colors.to_rgb(name)) + 0.05) for name in COLOURS) > 1.85


def test_colour_and_shape_together_tell_many_classes_apart() -> None:
    assert len({(colour(n), marker(n)) for n in range(len(COLOURS) * len(MARKERS))}) == 88


@pytest.mark.parametrize("name", [LONG, "a b c", "excited-happiness", "x" * 40, "plain"])
@pytest.mark.parametrize("characters", [6, 12, 30])
def test_wrapping_loses_no_letter(name: str, characters: int) -> None:
    lines = wrapped(name, characters).split("\n")
    assert "".join(lines).replace(" ", "") == name.replace(" ", "")
    assert max(map(len, lines)) <= characters


def cloud(title: str, seed: int) -> Panel:
    chance = np.random.default_rng(seed)
    return Panel(
        title=title,
        points=chance.normal(size=(70, 2)),
        labels=tuple(CLASSES * 10),
        caption=("silhouette 0.123 (256-d)", "5-NN accuracy 71.2 % (256-d)", "UA of the head 61.2 %"),
    )


@pytest.fixture(scope="module")
def a_record(project_root: Path) -> records.Record:
    return records.load(project_root / "results/records/emodb_loso--whisper_tiny_en--lda--61c6fbd2.json")


@pytest.fixture(scope="module")
def drawn(a_record: records.Record) -> dict[str, Figure]:
    """One of each, with a class name that is longer than any corpus has."""
    a_record.scores["classes"][3] = LONG
    rows = [
        LanguageRow(
            language=f"Language {n // 2}",
            corpus=f"corpus_{n}",
            scores=(50.0 + n, None, 7.0),
            marks=("*", "", ""),
        )
        for n in range(5)
    ]
    curve = Curve(
        name="ours",
        layers=(0, 1, 3),
        scores=(50.0, 60.0, 70.0),
        low=(40.0, 50.0, None),
        high=(60.0, 70.0, None),
        count=5,
    )
    bins = [
        DurationBin(
            first_s=n, last_s=n + 0.2, median_s=n + 0.1, utterances=90, speakers=9, score=80, low=70, high=90
        )
        for n in range(1, 7)
    ]
    return {
        "confusion": confusion_figure(a_record),
        "one panel": embedding_figure(
            [cloud("egemaps", 0)], CLASSES, ["A title that is longer than one panel is wide", "b"]
        ),
        "three panels": embedding_figure([cloud(f"upstream_{n}", n) for n in range(3)], CLASSES, ["a title"]),
        "five panels": embedding_figure([cloud(f"upstream_{n}", n) for n in range(5)], CLASSES, ["a title"]),
        "languages": language_figure(rows, ["whisper_tiny_en", "byol_s", "x"], "UA (%)", ["a title"]),
        "layers": layer_figure(
            [curve], [Published(name="theirs", layers=(2,), scores=(66.0,))], "UA (%)", ["a title"]
        ),
        "durations": duration_figure(bins, 75.0, "WA (%)", ["a title"]),
    }


KINDS = ["confusion", "one panel", "three panels", "five panels", "languages", "layers", "durations"]


def texts(figure: Figure) -> Iterator[Text]:
    return (text for text in figure.findobj(Text) if text.get_visible() and text.get_text().strip())


@pytest.mark.parametrize("kind", KINDS)
def test_print_is_readable(drawn: dict[str, Figure], kind: str) -> None:
    """No wider than the page, so that nothing shrinks, and then at least 7 points everywhere."""
    assert drawn[kind].get_figwidth() <= PAGE_IN
    assert min(text.get_fontsize() for text in texts(drawn[kind])) >= 7


@pytest.mark.parametrize("kind", KINDS)
def test_nothing_is_cut(drawn: dict[str, Figure], kind: str) -> None:
    """Every text lies within the sheet; half a point of antialiasing is let through."""
    figure = drawn[kind]
    with style():
        FigureCanvasAgg(figure).draw()
        sheet = figure.bbox
        for text in texts(figure):
            box = text.get_window_extent()
            inside = box.x0 >= -1 and box.y0 >= -1 and box.x1 <= sheet.x1 + 1 and box.y1 <= sheet.y1 + 1
            assert inside or text.get_clip_on() is not False, (text.get_text(), box, sheet)


@pytest.mark.parametrize("kind", KINDS)
def test_no_text_covers_another(drawn: dict[str, Figure], kind: str) -> None:
    figure = drawn[kind]
    with style():
        FigureCanvasAgg(figure).draw()
        boxes = [
            (text.get_text(), text.get_window_extent())
            for text in texts(figure)
            if not text.get_rotation() % 90
        ]
    for (one, first), (other, second) in combinations(boxes, 2):
        across = min(first.x1, second.x1) - max(first.x0, second.x0)
        up = min(first.y1, second.y1) - max(first.y0, second.y0)
        assert across < 1 or up < 2, (one, other)


def graded_heat(kind: str, one: records.Record) -> Figure:
    """A heat map with shares from 0 to 100 in steps of five."""
    if kind == "languages":
        rows = [LanguageRow(language="a", corpus=f"c{n}", scores=(5.0 * n,), marks=("",)) for n in range(21)]
        return language_figure(rows, ["u"], "UA (%)", ["t"])
    names = [f"c{n}" for n in range(11)]
    counts = [[0] * n + [100 - 5 * n, 5 * n] + [0] * (9 - n) for n in range(10)] + [[0] * 10 + [1]]
    return confusion_figure(replace(one, scores=one.scores | {"classes": names, "confusion": counts}))


@pytest.mark.parametrize("kind", ["confusion", "languages"])
def test_numbers_on_heat_stand_out(a_record: records.Record, kind: str) -> None:
    """4.5 to 1, WCAG 2.2, criterion 1.4.3."""
    axes = graded_heat(kind, a_record).axes[0]
    grounds = axes.collections[0].get_facecolor()
    numbers = [text for text in axes.texts if text.get_text()[0].isdigit()]
    assert len(numbers) > 20
    for text, ground in zip(numbers, grounds, strict=True):
        two = sorted(luminance(mpl.colors.to_rgb(c)) for c in (text.get_color(), ground))
        assert (two[1] + 0.05) / (two[0] + 0.05) >= 4.5


def test_long_class_names_are_whole(drawn: dict[str, Figure]) -> None:
    axes = drawn["confusion"].axes[0]
    for labels in (axes.get_xticklabels(), axes.get_yticklabels()):
        assert LONG in {label.get_text().replace("\n", "") for label in labels}
    (legend,) = drawn["three panels"].legends
    assert LONG in {text.get_text().replace("\n", "") for text in legend.get_texts()}


def test_a_confusion_matrix_shows_shares_and_counts(
    a_record: records.Record, drawn: dict[str, Figure]
) -> None:
    axes = drawn["confusion"].axes[0]
    counts = np.array(a_record.scores["confusion"])
    wanted = [f"{100 * n / row.sum():.0f}\n({n})" for row in counts for n in row]
    assert [text.get_text() for text in axes.texts] == wanted
    assert (axes.get_xlabel(), axes.get_ylabel()) == ("predicted", "truth")


def test_panels_show_the_points_and_captions_given(drawn: dict[str, Figure]) -> None:
    figure, panels = drawn["three panels"], [cloud(f"upstream_{n}", n) for n in range(3)]
    assert [axes.get_title() for axes in figure.axes] == [panel.title for panel in panels]
    for axes, panel in zip(figure.axes, panels, strict=True):
        assert axes.get_xlabel().split("\n") == ["UMAP 1", *panel.caption]
        for number, name in enumerate(CLASSES):
            rows = np.array(panel.labels) == name
            np.testing.assert_array_equal(axes.collections[number].get_offsets(), panel.points[rows])
            assert mpl.colors.same_color(axes.collections[number].get_facecolor()[0][:3], colour(number))


def test_layers_without_a_score_are_gaps(drawn: dict[str, Figure]) -> None:
    axes = drawn["layers"].axes[0]
    line, points = axes.get_lines()
    np.testing.assert_array_equal(line.get_ydata(), [50, 60, np.nan, 70, np.nan])
    assert points.get_linestyle() == "None"
    assert points.get_markerfacecolor() == "none"
    assert (list(points.get_xdata()), list(points.get_ydata())) == ([2], [66.0])


@pytest.mark.parametrize("suffix", [".png", ".pdf"])
def test_the_same_picture_is_the_same_file(drawn: dict[str, Figure], suffix: str, tmp_path: Path) -> None:
    """Also where the user's own settings of matplotlib differ, which stay as they were."""
    first = save(drawn["layers"], tmp_path / f"a{suffix}").read_bytes()
    with mpl.rc_context(
        {"font.size": 23, "savefig.dpi": 33, "savefig.bbox": "tight", "font.family": "serif"}
    ):
        second = save(drawn["layers"], tmp_path / f"b{suffix}").read_bytes()
        assert mpl.rcParams["font.size"] == 23
    assert first == second


def test_another_form_is_refused(drawn: dict[str, Figure], tmp_path: Path) -> None:
    with pytest.raises(HarnessError, match="PNG or a PDF"):
        save(drawn["layers"], tmp_path / "a.jpg")


def test_nothing_to_draw_is_said_once() -> None:
    empty = Panel(title="a", points=np.zeros((0, 2)), labels=(), caption=())
    stray = Panel(title="a", points=np.zeros((1, 2)), labels=("b",), caption=())
    for panels, order in (([], ["b"]), ([empty], ["b"]), ([stray], ["c"])):
        with pytest.raises(HarnessError):
            embedding_figure(panels, order, ["t"])
    with pytest.raises(HarnessError, match="no layer"):
        layer_figure([], [], "UA", ["t"])
    with pytest.raises(HarnessError, match="no utterance"):
        duration_figure([], 1.0, "UA", ["t"])
    with pytest.raises(HarnessError, match="no score"):
        language_figure(
            [LanguageRow(language="a", corpus="b", scores=(None,), marks=("",))], ["u"], "UA", ["t"]
        )


def test_a_run_without_classes_has_no_confusion_matrix(project_root: Path) -> None:
    one = records.load(project_root / "results/records/urdu_loso--egemaps--lda--21a6a506.json")
    del one.scores["confusion"]
    with pytest.raises(HarnessError, match="no confusion matrix"):
        confusion_figure(one)


def test_a_history_is_drawn_in_four_panels(tmp_path: Path) -> None:
    rows = [
        {"update": n, "frame_loss": 1 / n, "lr": n, "ema_decay": 0.9, "audio_s_per_s": 3.0}
        for n in range(1, 9)
    ]
    path = training_picture(rows, "a run", tmp_path / "a.png")
    assert path.read_bytes()[:4] == b"\x89PNG"
