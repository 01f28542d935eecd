"""Hydra's Submitit launcher: its local executor, which works as the one for Slurm does."""

from __future__ import annotations

from typing import Any

SWEEP = ("seeds=[0],[1],[1,1]", "resamples=20", "--multirun")


def test_a_sweep_in_jobs_of_its_own(place: Any, single: Any, tmp_path: Any) -> None:
    """Two records and a fault, as the same sweep in one process gives."""
    place.open("extract", "train")
    sweeps = {}
    for launcher in ("basic", "submitit_local"):
        place.use(launcher)
        code, _, err = place.end(place.start(*SWEEP, f"hydra/launcher={launcher}"))
        assert code == 2, err
        assert err.count("the seeds cannot be used") == 1
        assert "1 job(s) of the sweep were not run" in err
        sweeps[launcher] = (place.tables(), sorted(path.name for path in place.results.glob("records/*")))
        assert not [*place.results.glob("sweeps/.faults*")]
    assert len(sweeps["basic"][1]) == 2
    assert sweeps["submitit_local"] == sweeps["basic"]
    assert len([*place.results.glob("sweeps/*/.submitit/*/*_log.out")]) == 3, "three jobs, three logs"
