"""Facts that SUPERB's emotion folds hang on and that no rule gives: the order of the dialogues.

SUPERB's preparation script walks through each session's label files in the order in which the authors' file
system happened to list them, so the order of its JSON files is a fact, not a rule. Read from the test lists of
s3prl/s3prl@ec8064b5, `s3prl/downstream/emotion/meta_data/Session*/test_meta_data.json`.
"""

from __future__ import annotations

from typing import NamedTuple

DIALOGUES: tuple[str, ...] = (
    "F_script02_2 F_impro07 F_script03_2 M_impro02 F_impro06 F_script01_3 M_script02_1 M_impro04 "
    "M_script01_1 F_impro01 F_script01_1 F_impro05 M_script01_2 M_script02_2 F_script02_1 "
    "M_script03_2 M_impro05 M_impro01 F_impro03 M_impro03 M_script01_3 F_script03_1 M_impro07 "
    "F_impro02 M_impro06 M_script03_1 F_impro04 F_script01_2",
    "F_impro03 F_script03_2 M_script03_2 M_impro04 M_impro05 F_script02_1 F_script02_2 M_script02_2 "
    "M_impro08 M_impro07 F_script03_1 M_script01_3 F_impro06 F_impro01 F_impro04 F_script01_2 "
    "M_impro02 M_impro03 F_script01_3 F_impro05 F_script01_1 M_impro06 M_script02_1 F_impro08 "
    "F_impro02 M_script01_1 M_impro01 M_script01_2 M_script03_1 F_impro07",
    "F_script02_1 M_impro04 M_script03_2 M_impro05b M_impro02 F_impro05 M_script02_2 M_impro08b "
    "F_impro07 M_script01_1 M_script02_1 M_impro05a M_impro07 M_script03_1 F_script03_1 M_impro01 "
    "F_script01_1 F_impro04 F_script02_2 F_script01_3 M_script01_3 M_impro06 F_impro01 F_impro03 "
    "M_script01_2 M_impro08a M_impro03 F_script03_2 F_script01_2 F_impro08 F_impro06 F_impro02",
    "F_script03_1 F_impro01 M_script02_1 M_script02_2 F_script01_3 M_impro05 F_script02_1 F_impro07 "
    "F_impro02 F_impro03 M_impro02 F_script01_1 M_script01_1 F_script03_2 M_impro06 F_script02_2 "
    "M_impro01 M_impro04 F_impro05 F_script01_2 F_impro08 F_impro06 M_impro03 M_script01_3 "
    "M_script01_2 M_script03_1 M_script03_2 M_impro07 F_impro04 M_impro08",
    "M_script01_3 F_impro04 M_script02_2 F_script01_3 F_script01_2 F_impro06 M_impro06 M_impro01 "
    "F_script03_1 F_impro07 F_script03_2 M_script01_1b F_impro05 M_script01_1 F_impro08 M_script03_1 "
    "M_impro05 F_impro01 F_impro02 M_impro03 F_script01_1 M_impro04 M_script02_1 F_impro03 "
    "F_script02_2 F_script02_1 M_script03_2 M_impro08 M_impro02 M_impro07 M_script01_2",
)
"""Per session, the dialogues without their `Ses01` prefix, in SUPERB's order."""


class Digest(NamedTuple):
    """SHA-256 of the sorted ids of each part, joined by line feeds."""

    train: str
    dev: str
    test: str


DIGESTS: tuple[Digest, ...] = (
    Digest(
        train="c22adbef3f9af132b1164a3bc7a297391ceaaffda51d38796b350bd6914e93bd",
        dev="81f022a7013b2f04ccdbad1ae47738fb30f0e06d6c58e33559e48560b61066eb",
        test="51cd40131d154f0bd91440869b9d165f21872e5573eb8a20db78f15dcd8157d4",
    ),
    Digest(
        train="825e3310340e8574a2f2384ae5cd5f85f71a88d4fd454ab661d36c824be9121b",
        dev="99fab34a5c23ff9f2e1be1a98002e1b6d20a4fa26a5eef9f23a2fdd1a5eb8893",
        test="feb36442a844ae2f43948ebf9ba430593564d8fa169f4dbc2a51b3e8711d5d85",
    ),
    Digest(
        train="68a34489d6889a0bd6e7d8844c8a131fc33e8d713f681620d387c93b400b7fa4",
        dev="36509928efafbd583a37b681269e9c757c5ef8f5aa959ac9cf37419a167a8098",
        test="cf67893b615a6c6aa7282fdd75da3b74626fca69583c3794bbaa4f28e680e834",
    ),
    Digest(
        train="4f61383808206b39e037864bf436a14554e0558102b5c4f0a18012aa8b688907",
        dev="b7c5f2815b4fd47e05cd797835deb36f2b042056a867a05b12a8e2ebe7452865",
        test="338d531453c240ca16c81107cec8651ee12dc6564036ec7bfcc0d6f4e66d8a50",
    ),
    Digest(
        train="ac06806095c7d6d2592905b44c13820a1eb3f5fd49a2f92f464e7b7db135079f",
        dev="5760897836dd6cc86c8480c124a429a0c3c5cd5c66ce53a5109e915247937b4e",
        test="d9c3e6c7e7b01a44c92539d703ddece73c3e518f04eb727e3b972d4289807df7",
    ),
)
"""Per fold, what the published lists hash to."""
