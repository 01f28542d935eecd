"""The numbers under a picture of vectors, and the picture's coordinates: the same on every run."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple

from harness.errors import HarnessError

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


class Separation(NamedTuple):
    """How far apart the labels lie."""

    silhouette: float
    """Of the vectors, Euclidean, -1 to 1 (Rousseeuw 1987)."""
    silhouette_picture: float
    """The same of the two coordinates that are drawn."""
    knn: float
    """Share of vectors whose nearest others, themselves left out, have their label by majority."""


def check_points(labels: Sequence[str], neighbours: int, name: str) -> None:
    """Refuse what has no such numbers.

    Raises:
        HarnessError: one label, every vector its own label, or too few vectors.
    """
    distinct = len(set(labels))
    if not 2 <= distinct < len(labels) or len(labels) <= neighbours + 1:
        raise HarnessError(
            f"there is nothing to tell apart in the picture of {name}",
            got=f"{len(labels)} utterances with {distinct} label{'' if distinct == 1 else 's'}",
            wanted=f"at least {neighbours + 2} test utterances of two labels or more",
            next_step="figure.fold=NAME for another fold, or another split= or task=",
        )


def coordinates(
    vectors: NDArray[np.float32], *, neighbours: int, min_dist: float, seed: int
) -> NDArray[np.float64]:
    """UMAP of the vectors, (utterances, 2).

    One thread and a fixed order of the input: with several threads UMAP gives another picture every time,
    whatever its seed (umap-learn, "UMAP Reproducibility"). Source: McInnes, Healy and Melville, arXiv 1802.03426.

    Args:
        vectors: (utterances, width).
        neighbours: UMAP's `n_neighbors`; at most one less than there are utterances.
        min_dist: UMAP's own.
        seed: of its random state.
    """
    import numpy as np
    from threadpoolctl import threadpool_limits
    from umap import UMAP

    near = min(neighbours, len(vectors) - 1)
    with threadpool_limits(1):
        mapper = UMAP(n_neighbors=near, min_dist=min_dist, random_state=seed, n_jobs=1)
        return np.asarray(mapper.fit_transform(vectors), dtype=np.float64)


def separation(
    vectors: NDArray[np.float32], points: NDArray[np.float64], labels: Sequence[str], neighbours: int
) -> Separation:
    """Silhouettes and leave-one-out k-NN accuracy.

    Args:
        vectors: (utterances, width).
        points: (utterances, 2).
        labels: one per utterance.
        neighbours: k.
    """
    from sklearn.metrics import silhouette_score

    return Separation(
        silhouette=float(silhouette_score(vectors.astype("float64"), labels)),
        silhouette_picture=float(silhouette_score(points, labels)),
        knn=_knn(vectors, labels, neighbours),
    )


def _knn(vectors: NDArray[np.float32], labels: Sequence[str], neighbours: int) -> float:
    """Euclidean; a tie goes to the label that comes first in the alphabet, as in scikit-learn."""
    import numpy as np
    from sklearn.neighbors import NearestNeighbors

    names, codes = np.unique(np.asarray(labels), return_inverse=True)
    near = NearestNeighbors(n_neighbors=neighbours, algorithm="brute").fit(vectors.astype("float64"))
    others = codes[near.kneighbors(return_distance=False)]
    votes = (others[:, :, None] == np.arange(len(names))).sum(axis=1)
    return float((votes.argmax(axis=1) == codes).mean())
