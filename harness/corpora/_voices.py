"""Voices that were never spoken: source-filter synthesis of nonsense syllables in four acted emotions.

A glottal pulse train (Rosenberg's pulse, differentiated) with jitter and shimmer, and breath noise, go through
a cascade of formant resonators (Klatt's) whose frequencies follow a vowel chart and the length of each
speaker's vocal tract. Emotions move pitch, range, contour, level, tempo, tilt and irregularity in the
directions that Juslin and Laukka's review reports; sizes are our own, set so that the classes overlap.

References: A. E. Rosenberg, JASA 49 (1971), 583-590 (pulse C). D. H. Klatt, JASA 67 (1980), 971-995
(resonator, bandwidths). G. E. Peterson and H. L. Barney, JASA 24 (1952), 175-184 (formants of men).
P. N. Juslin and P. Laukka, Psychological Bulletin 129 (2003), 770-814, Table 7 (cues of emotions).
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
import scipy  # scipy.signal loads where it is first used: who only lists the corpus does without
from numpy.typing import NDArray

Wave = NDArray[np.float64]

RATE_HZ = 16_000
SEED = 1971

VOWEL_FORMANTS_HZ = {
    "i": (270, 2290, 3010),
    "e": (530, 1840, 2480),
    "a": (730, 1090, 2440),
    "o": (570, 840, 2410),
    "u": (300, 870, 2240),
}
HIGHER_FORMANTS_HZ = (3500, 4500)
BANDWIDTHS_HZ = (70, 100, 150, 220, 280)
FRICATIVES_HZ = {"s": 5500, "sh": 3200, "f": 4200, "h": 1500}
"""Onset of a syllable -> centre of its noise; other onsets (m, n, l) are voiced and quiet."""

SENTENCES = (
    ("ma", "si", "no", "la", "fe"),
    ("so", "na", "mi", "she", "lu"),
    ("li", "fa", "mo", "se", "na"),
    ("nu", "he", "sa", "mi", "lo"),
    ("fe", "lo", "ni", "sha", "me"),
    ("ha", "mu", "se", "no", "li", "fa"),
)
EMOTIONS = ("anger", "happiness", "neutral", "sadness")


class Style(NamedTuple):
    """How an emotion differs from neutral speech at full strength."""

    pitch_semitones: float = 0.0
    range_factor: float = 1.0
    """Of the accents."""
    slope_semitones: float = 0.0
    """Rise of the pitch over the utterance, on top of declination."""
    level_db: float = 0.0
    tempo_factor: float = 1.0
    tilt_factor: float = 1.0
    """Of the cut-off of the source's low-pass: above 1 is tense, below 1 is lax."""
    breath: float = 0.0
    roughness: float = 0.0


STYLES = {
    "anger": Style(3.0, 1.5, -1.0, 6.0, 1.15, 1.9, 0.0, 0.022),
    "happiness": Style(4.0, 2.0, 2.0, 3.5, 1.10, 1.35, 0.02, 0.006),
    "neutral": Style(),
    "sadness": Style(-0.5, 0.5, -1.5, -5.0, 0.82, 0.55, 0.10, 0.010),
}
MEAN_STRENGTH, STRENGTH_SPREAD = 0.95, 0.28
"""An utterance shows its emotion this strongly; at 0 it sounds neutral."""


class Speaker(NamedTuple):
    """What a voice keeps through all emotions."""

    name: str
    gender: str
    session: int
    pitch_hz: float
    formant_factor: float
    """Above 1: a vocal tract shorter than that of the men of the vowel chart."""
    accent_semitones: float
    tempo_factor: float
    tilt_hz: float
    level_db: float


class Spec(NamedTuple):
    """One utterance to be made."""

    id: str
    speaker: Speaker
    emotion: str
    sentence: int


def speakers() -> list[Speaker]:
    """Ten voices: a woman and a man in each of five sessions."""
    return [_speaker(session, gender) for session in range(1, 6) for gender in ("female", "male")]


def _speaker(session: int, gender: str) -> Speaker:
    female = gender == "female"
    draw = np.random.default_rng([SEED, session, int(female)])
    return Speaker(
        name=f"SYNTHETIC_S{session}{'F' if female else 'M'}",
        gender=gender,
        session=session,
        pitch_hz=float(draw.normal(205, 18) if female else draw.normal(118, 12)),
        formant_factor=float(draw.normal(1.16 if female else 1.0, 0.04)),
        accent_semitones=float(draw.uniform(2.0, 4.0)),
        tempo_factor=float(draw.normal(1.0, 0.08)),
        tilt_hz=float(draw.uniform(900, 1700)),
        level_db=float(draw.normal(0, 2.0)),
    )


def specs() -> Iterator[Spec]:
    """All 240 utterances: speakers x emotions x sentences."""
    for speaker in speakers():
        for emotion in EMOTIONS:
            for sentence in range(len(SENTENCES)):
                yield Spec(f"{speaker.name}_{emotion}_{sentence + 1:02d}", speaker, emotion, sentence)


def synthesise(spec: Spec) -> NDArray[np.int16]:
    """(samples,) at 16 kHz; the same spec gives the same samples."""
    draw = _chance(spec)
    style = _mixed(STYLES[spec.emotion], draw)
    syllables = SENTENCES[spec.sentence]
    borders = _borders(len(syllables), spec.speaker.tempo_factor * style.tempo_factor, draw)
    time = np.arange(int(borders[-1] * RATE_HZ)) / RATE_HZ
    source = _source(time, _pitch_hz(time, borders, spec.speaker, style, draw), spec.speaker, style, draw)
    voice = _voiced(source, time, borders, syllables, spec.speaker.formant_factor)
    noise = _fricatives(time, borders, syllables, draw)
    return _recorded(voice / _rms(voice) + noise, spec.speaker.level_db + style.level_db, draw)


def style_of(spec: Spec) -> Style:
    """How an utterance differs from neutral speech, its own strengths included."""
    return _mixed(STYLES[spec.emotion], _chance(spec))


def _chance(spec: Spec) -> np.random.Generator:
    return np.random.default_rng([SEED, *spec.id.encode()])


def _mixed(full: Style, draw: np.random.Generator) -> Style:
    """A style between neutral and full; every cue has a strength of its own around a common one."""
    common = draw.normal(MEAN_STRENGTH, STRENGTH_SPREAD)
    strengths = np.clip(common + draw.normal(0, 0.25, len(full)), -0.2, 1.4)
    pairs = zip(Style(), full, strengths, strict=True)
    return Style(*(float(neutral + strength * (at_full - neutral)) for neutral, at_full, strength in pairs))


def _borders(syllables: int, tempo_factor: float, draw: np.random.Generator) -> Wave:
    """(syllables + 1,) seconds; the last syllable is lengthened, as speakers do."""
    lengths_s = 0.25 / tempo_factor * draw.normal(1.0, 0.10, syllables).clip(0.7, 1.3)
    lengths_s[-1] *= 1.3
    return np.concatenate([[0.0], np.cumsum(lengths_s)])


def _pitch_hz(time: Wave, borders: Wave, speaker: Speaker, style: Style, draw: np.random.Generator) -> Wave:
    """Declination, the emotion's slope, and one accent on a drawn syllable and a weaker one on each other."""
    share = time / time[-1]
    centres, widths = (borders[:-1] + borders[1:]) / 2, np.diff(borders) / 2.5
    weights = draw.uniform(0.2, 0.7, len(centres))
    weights[draw.integers(len(centres))] = 1.2
    bumps = np.exp(-0.5 * ((time[:, None] - centres) / widths) ** 2) @ weights
    semitones = (
        style.pitch_semitones
        + draw.normal(0, 0.8)
        + (style.slope_semitones - 2.0) * (share - 0.5)
        + speaker.accent_semitones * style.range_factor * bumps
    )
    pitch_hz: Wave = speaker.pitch_hz * 2 ** (semitones / 12)
    return pitch_hz


def _source(time: Wave, pitch_hz: Wave, speaker: Speaker, style: Style, draw: np.random.Generator) -> Wave:
    """Differentiated glottal flow with jitter, shimmer, tilt and breath."""
    jitter = 1 + (0.006 + max(style.roughness, 0.0)) * _per_period(pitch_hz, draw)
    phase = np.cumsum(pitch_hz * jitter) / RATE_HZ
    shimmer = 1 + (0.03 + 4 * max(style.roughness, 0.0)) * _per_period(pitch_hz, draw)
    pulses = np.diff(_rosenberg(phase % 1.0), prepend=0.0) * RATE_HZ / pitch_hz * shimmer
    breath = (0.02 + max(style.breath, 0.0)) * draw.normal(size=len(time)) * 3.0
    pole = np.exp(-2 * np.pi * speaker.tilt_hz * style.tilt_factor / RATE_HZ)
    return np.asarray(scipy.signal.lfilter([1 - pole], [1, -pole], pulses + breath))


def _per_period(pitch_hz: Wave, draw: np.random.Generator) -> Wave:
    """Standard normal values, one per glottal period, held through it."""
    period = np.cumsum(pitch_hz / RATE_HZ).astype(np.int64)
    return draw.normal(size=int(period[-1]) + 1)[period]


def _rosenberg(phase: Wave, opening: float = 0.40, closing: float = 0.16) -> Wave:
    """Glottal flow within one period: opens on half a cosine, closes on a quarter of one, then rests."""
    rise = 0.5 * (1 - np.cos(np.pi * phase / opening))
    fall = np.cos(0.5 * np.pi * (phase - opening) / closing)
    return np.where(phase < opening, rise, np.where(phase < opening + closing, fall, 0.0))


def _voiced(
    source: Wave, time: Wave, borders: Wave, syllables: tuple[str, ...], formant_factor: float
) -> Wave:
    """The source through each vowel's tract, faded from syllable to syllable, its onsets softened."""
    voice = np.zeros_like(source)
    for vowel in sorted({syllable[-1] for syllable in syllables}):
        weight = sum(
            (
                _window(time, borders[i], borders[i + 1])
                for i, syllable in enumerate(syllables)
                if syllable[-1] == vowel
            ),
            np.zeros_like(time),
        )
        voice += weight * scipy.signal.sosfilt(_tract(vowel, formant_factor), source)
    for start_s, syllable in zip(borders, syllables, strict=False):
        depth = 0.97 if syllable[:-1] in FRICATIVES_HZ else 0.65
        voice *= 1 - depth * np.exp(-0.5 * ((time - start_s - 0.03) / 0.025) ** 2)
    return voice


def _window(time: Wave, start_s: float, end_s: float, fade_s: float = 0.02) -> Wave:
    """1 within the syllable, with smooth edges; neighbours add up to 1."""
    rise: Wave = 1 / (1 + np.exp(-(time - start_s) / (fade_s / 4)))
    fall: Wave = 1 / (1 + np.exp((time - end_s) / (fade_s / 4)))
    return rise * fall


def _tract(vowel: str, formant_factor: float) -> Wave:
    """(5, 6) second-order sections: Klatt's digital resonators in cascade, unity gain at 0 Hz."""
    formants_hz = np.array([*VOWEL_FORMANTS_HZ[vowel], *HIGHER_FORMANTS_HZ]) * formant_factor
    radius = np.exp(-np.pi * np.array(BANDWIDTHS_HZ) / RATE_HZ)
    b = 2 * radius * np.cos(2 * np.pi * formants_hz / RATE_HZ)
    c = -(radius**2)
    zero, one = np.zeros_like(b), np.ones_like(b)
    return np.stack([1 - b - c, zero, zero, one, -b, -c], axis=1)


def _fricatives(time: Wave, borders: Wave, syllables: tuple[str, ...], draw: np.random.Generator) -> Wave:
    noise = np.zeros_like(time)
    for start_s, syllable in zip(borders, syllables, strict=False):
        centre_hz = FRICATIVES_HZ.get(syllable[:-1])
        if centre_hz is not None:
            radius = np.exp(-np.pi * 1200 / RATE_HZ)
            poles = [1, -2 * radius * np.cos(2 * np.pi * centre_hz / RATE_HZ), radius**2]
            hiss = scipy.signal.lfilter([1 - radius], poles, draw.normal(size=len(time)))
            noise += 0.5 * hiss * np.exp(-0.5 * ((time - start_s - 0.03) / 0.022) ** 2)
    return noise


def _rms(wave: Wave) -> float:
    return float(np.sqrt(np.mean(wave**2)))


def _recorded(wave: Wave, level_db: float, draw: np.random.Generator) -> NDArray[np.int16]:
    """At its level and a drawn distance from the microphone, over room noise, never clipped."""
    gain_db = level_db + draw.normal(0, 2.5)
    edge = np.minimum(1.0, np.arange(len(wave)) / (0.01 * RATE_HZ))
    heard = 0.05 * 10 ** (gain_db / 20) * wave * edge * edge[::-1]
    heard = heard + 10 ** (-62 / 20) * draw.normal(size=len(wave))
    heard = heard / max(1.0, float(np.abs(heard).max()) / 0.95)
    return np.round(heard * 32767).astype(np.int16)
