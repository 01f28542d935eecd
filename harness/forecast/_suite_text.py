"""The plan of a suite as Markdown: every figure with the arithmetic that it comes from."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from harness.costs import CORE_FLOP_PER_S
from harness.forecast._gpus import PEAK_TFLOPS
from harness.forecast._suite import ONE_FOLD_TRAINS
from harness.forecast._suite_forecast import DEV_SHARE, Part, SuiteForecast
from harness.forecast._suite_request import HEAD_SHARE, SuiteRequest
from harness.forecast._text import clock

_GB = 1e9
_HEADER = (
    "upstream",
    "GFLOP per s of audio",
    "PFLOP in all",
    "worker hours",
    "heads, worker hours",
    "statistics GB",
    "frames GB",
)


def suite_text(forecast: SuiteForecast, command: str) -> str:
    """Markdown; the same forecast gives the same text.

    Args:
        forecast: of the suite.
        command: what prints it, without the program's name.
    """
    upstreams = f"{len(forecast.parts)} upstream{'s' if len(forecast.parts) > 1 else ''}"
    blocks = [
        [f"# Plan: {forecast.suite.name} x {upstreams} on {_where(forecast.request)}"],
        ["```", f"python -m harness {command}", "```"],
        list(_summary(forecast)),
        ["## Upstreams", "", *_table(forecast)],
        ["## The arithmetic", "", *(f"- {line}" for line in _arithmetic(forecast))],
        ["## What is assumed", "", *(f"- {line}" for line in _assumed(forecast))],
        ["## Corpora", "", f"Source: {forecast.suite.source}.", "", *_corpora(forecast)],
    ]
    return "\n\n".join("\n".join(block) for block in blocks)


def _where(request: SuiteRequest) -> str:
    unit = "GPUs" if request.device == "cuda" else f"workers of {request.threads} cores"
    return f"{request.workers} {unit}, scale={request.scale}"


def _summary(forecast: SuiteForecast) -> Iterator[str]:
    disk = sum(part.means_bytes + part.frames_bytes for part in forecast.parts)
    yield f"{forecast.suite.about}."
    corpora = f"{len(forecast.suite.corpora)} corpora"
    yield f"{corpora}, {forecast.utterances:,} utterances, {forecast.hours:,.1f} h of audio."
    yield "Nothing is measured here: this is arithmetic on the cards and on rates that are stated below."
    yield ""
    yield f"- extraction: {clock(forecast.extract_s)}"
    yield f"- training of the heads: {clock(forecast.train_s)}"
    yield f"- together: **{clock(forecast.extract_s + forecast.train_s)}**"
    yield f"- disk: **{disk / _GB:,.0f} GB** of features"


# ------------------------------------------------------------------------------------------------- tables


def _table(forecast: SuiteForecast) -> Iterator[str]:
    parts = forecast.parts
    whole = [
        "together",
        "",
        f"{sum(part.flop for part in parts) / 1e15:,.1f}",
        f"{forecast.worker_s / 3600:,.2f}",
        f"{forecast.head_worker_s / 3600:,.1f}",
        f"{sum(part.means_bytes for part in parts) / _GB:,.1f}",
        f"{sum(part.frames_bytes for part in parts) / _GB:,.1f}",
    ]
    yield from _aligned([list(_HEADER), *map(_row, parts), whole])


def _row(part: Part) -> list[str]:
    known = not part.cost.by_time
    return [
        part.cost.card.name,
        f"{part.flop_per_audio_s / 1e9:,.1f}" if known else "measured time",
        f"{part.flop / 1e15:,.1f}" if known else "-",
        f"{part.extract_s / 3600:,.2f}",
        f"{sum(part.cells) / 3600:,.1f}",
        f"{part.means_bytes / _GB:,.1f}",
        f"{part.frames_bytes / _GB:,.1f}",
    ]


def _corpora(forecast: SuiteForecast) -> Iterator[str]:
    sizes = forecast.suite.sizes()
    header = ["corpus", "utterances", "hours", "folds", "mean clip s"]
    rows = [
        [size.name, f"{size.utterances:,}", f"{size.hours:.1f}", str(size.folds), f"{size.clip_s:.2f}"]
        for size in sizes
    ]
    folds = str(sum(size.folds for size in sizes))
    whole = ["together", f"{forecast.utterances:,}", f"{forecast.hours:.1f}", folds, ""]
    yield from _aligned([header, *rows, whole])


def _aligned(rows: Sequence[Sequence[str]]) -> Iterator[str]:
    """A Markdown table, first column left, all others right."""
    first, *others = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for number, (name, *figures) in enumerate(rows):
        cells = [figure.rjust(width) for figure, width in zip(figures, others, strict=True)]
        yield f"| {' | '.join([name.ljust(first), *cells])} |"
        if number == 0:
            yield f"|{'-' * (first + 2)}|{'|'.join('-' * (width + 1) + ':' for width in others)}|"


# --------------------------------------------------------------------------------------------- arithmetic


def _arithmetic(forecast: SuiteForecast) -> Iterator[str]:
    first, workers = forecast.parts[0], forecast.request.workers
    flop = sum(part.flop for part in forecast.parts)
    yield (
        f"Audio: {forecast.hours:,.1f} h = {first.audio_s:,.0f} s in {forecast.utterances:,}"
        f" utterances; an utterance"
        " counts as long as the mean of its corpus."
    )
    yield _one_upstream(forecast, first)
    yield (
        f"All upstreams: {flop / 1e15:,.1f} PFLOP = {forecast.worker_s / 3600:,.2f} worker hours;"
        f" / {workers} workers = {clock(forecast.extract_s)}."
    )
    yield _disk(forecast, first)
    yield _heads(forecast, first)
    yield _all_heads(forecast)


def _one_upstream(forecast: SuiteForecast, part: Part) -> str:
    name, rate = part.cost.card.name, forecast.request.flop_per_s
    if part.cost.by_time:
        threads = forecast.request.threads
        return f"One upstream, {name}: {part.core_s:,.0f} s of a core / {threads} cores = {part.extract_s:,.0f} s."
    return (
        f"One upstream, {name}: {part.audio_s:,.0f} s x {part.flop_per_audio_s / 1e9:.2f} GFLOP per s ="
        f" {part.flop / 1e15:.1f} PFLOP; / {rate / 1e12:.2f} TFLOP/s = {part.extract_s:,.0f} s ="
        f" {part.extract_s / 3600:.2f} worker hours."
    )


def _disk(forecast: SuiteForecast, part: Part) -> str:
    cost, layers = part.cost, forecast.suite.head.layers
    frames = part.frames_bytes / (4 * cost.dim * layers)
    return (
        f"Disk, {cost.card.name}: {forecast.utterances:,} utterances x 2 statistics (mean,"
        f" deviation) x {cost.layers}"
        f" layers x {cost.dim} x 4 bytes = {part.means_bytes / _GB:.1f} GB; {frames:,.0f} frames"
        f" x {layers} layer x"
        f" {cost.dim} x 4 bytes = {part.frames_bytes / _GB:.1f} GB."
    )


def _heads(forecast: SuiteForecast, part: Part) -> str:
    head, rate = forecast.suite.head, forecast.request.core_rate
    return (
        f"Heads, {part.cost.card.name}: {len(part.cells)} trainings (corpus x fold) x"
        f" {head.epochs} epochs over the"
        f" frames of the training part, {part.cost.dim} x {head.hidden_dim} weights, 4 operations"
        f" each where it trains"
        f" and 2 where it is watched = {part.head_flop / 1e15:.2f} PFLOP; / {rate / 1e9:,.0f} GFLOP/s ="
        f" {sum(part.cells) / 3600:,.1f} worker hours."
    )


def _all_heads(forecast: SuiteForecast) -> str:
    cells = [cell for part in forecast.parts for cell in part.cells]
    workers = forecast.request.workers
    return (
        f"All heads: {len(cells):,} trainings = {forecast.head_worker_s / 3600:,.1f} worker"
        f" hours; / {workers} workers ="
        f" {clock(forecast.head_worker_s / workers)}; given out longest first (the longest takes"
        f" {clock(max(cells))}),"
        f" the last ends after {clock(forecast.train_s)}."
    )


# -------------------------------------------------------------------------------------------- assumptions


def _assumed(forecast: SuiteForecast) -> Iterator[str]:
    request = forecast.request
    yield _rate(request)
    yield (
        f"Heads are trained on the cores of the workers, {request.threads} each at"
        f" {CORE_FLOP_PER_S / 1e9:.0f} GFLOP/s (a"
        f" core of an AMD EPYC with AVX2, measured), of which a small head reaches"
        f" {100 * HEAD_SHARE:.0f} %. Another"
        " count: `scale.threads=N`."
    )
    yield (
        f"A fold trains on (k - 1) / k of a corpus with k folds, on {100 * ONE_FOLD_TRAINS:.0f} %"
        f" where there is one;"
        f" {100 * DEV_SHARE:.0f} % of that is watched."
    )
    yield "Decoding, starting of workers and writing are hidden behind the computing."
    yield "All workers end an extraction together: a shard holds at most 64 utterances."
    for part in forecast.parts:
        if part.cost.architecture.assumes:
            yield f"{part.cost.card.name}: {part.cost.architecture.assumes}."


def _rate(request: SuiteRequest) -> str:
    tera = request.flop_per_s / 1e12
    if request.rate_tflops is not None:
        return f"A worker computes {tera:g} TFLOP/s with the upstreams: stated by `rate_tflops`."
    if request.device == "cpu":
        core = CORE_FLOP_PER_S / 1e9
        cores = f"{request.threads} cores x {core:.0f} GFLOP/s"
        return f"A worker computes {tera:.2f} TFLOP/s with the upstreams: {cores}."
    peak = PEAK_TFLOPS[request.gpu][request.precision]
    return (
        f"A GPU computes {tera:.2f} TFLOP/s with the upstreams: {100 * request.share:.0f} % of"
        f" the published peak of"
        f" {request.gpu.upper()} in {request.precision}, {peak:g} TFLOP/s. This is assumed and"
        f" not measured; put your"
        " own in its place: `rate_tflops=X`, or `gpu=`, `precision=`, `share=`."
    )
