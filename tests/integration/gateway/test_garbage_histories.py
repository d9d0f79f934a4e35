"""Random histories of content: what is used is never removed, and everything else is in the end."""

from datetime import timedelta
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule, run_state_machine_as_test

from services.kernel.maintenance import BUNDLE, Reference
from services.kernel.storage import bundles
from services.kernel.values import BundleRef
from tests.integration.gateway.conftest import Running
from tests.integration.gateway.test_garbage import DAY, World, bundle, clear, world_of


class Histories(RuleBasedStateMachine):
    """Any history of writing, using, forgetting, waiting and collecting."""

    world: World

    @initialize()
    def begin(self) -> None:
        clear(self.world)
        self.world.needed.clear()

    @rule(contents=st.lists(st.sampled_from([b"a", b"b", b"c", b"d"]), min_size=1, max_size=3), use=st.booleans())
    def write(self, contents: list[bytes], use: bool) -> None:
        ref = bundle(self.world, *contents)
        if use:
            self.world.needed.append(Reference(BUNDLE, ref.index))

    @rule(data=st.data())
    def forget(self, data: st.DataObject) -> None:
        if self.world.needed:
            self.world.needed.remove(data.draw(st.sampled_from(self.world.needed)))

    @rule(hours=st.sampled_from([1, 20, 30, 100, 200]))
    def wait(self, hours: int) -> None:
        self.world.clock.ahead += timedelta(hours=hours)

    @rule()
    def collect(self) -> None:
        self.world.collect()

    @invariant()
    def all_that_is_used_is_there(self) -> None:
        there = self.world.stored()
        for reference in self.world.needed:
            assert set(bundles.bundle_objects(self.world.store, BundleRef(reference.name))) <= there

    def teardown(self) -> None:
        """Everything else goes in the end."""
        for _ in range(2):
            self.world.clock.ahead += 8 * DAY
            self.world.collect()
        used = {
            key
            for reference in self.world.needed
            for key in bundles.bundle_objects(self.world.store, BundleRef(reference.name))
        }
        assert self.world.stored() == used


def test_histories(gateway: Running, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    Histories.world = world_of(gateway, tmp_path, monkeypatch)
    once = settings(
        max_examples=12,
        stateful_step_count=14,
        deadline=None,
        suppress_health_check=list(HealthCheck),
        derandomize=True,
        database=None,
    )
    run_state_machine_as_test(Histories, settings=once)
