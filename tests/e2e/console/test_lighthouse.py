"""How fast the pages load that one sees first, as Lighthouse judges it; five loads each, since one is chance."""

from statistics import median

import pytest

from tests.support import lighthouse
from tests.support.browser import Visitor

GOAL = 0.9


@pytest.mark.long
@pytest.mark.timeout(900)
@pytest.mark.parametrize("page", lighthouse.PAGES)
def test_a_page_loads_fast(member: Visitor, page: str) -> None:
    with lighthouse.judge(member) as judge:
        loads = [judge.load(page) for _ in range(5)]
    assert median(load["score"] for load in loads) >= GOAL, loads
