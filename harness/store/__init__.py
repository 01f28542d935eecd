"""Features on disk, written once, in a folder that is named by a hash of everything that shaped them.

    <root>/<name>/key.json             what shaped the features, readable
    <root>/<name>/shards/<hash>/       index.json, means.npy, stds.npy, frames_012.npy; never changed
    <root>/<name>/pending/             what is being written right now, and who has claimed it

A shard is written in `pending` and renamed into `shards`, so it is whole or absent. Its name is the hash of its
index, and the index holds the checksum of every file in it: damage anywhere shows, and only that shard is made
again. `open_store` opens the same at an address such as `s3://bucket/prefix`.
"""

from harness.store.claims import Claim
from harness.store.features import Gathered, Lack, Store
from harness.store.key import StoreKey
from harness.store.pairs import Pairs
from harness.store.place import open_store
from harness.store.shard import UtteranceFeatures

__all__ = ["Claim", "Gathered", "Lack", "Pairs", "Store", "StoreKey", "UtteranceFeatures", "open_store"]
