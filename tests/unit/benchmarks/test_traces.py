"""Lists of jobs and nodes, good and bad."""

import gzip
from pathlib import Path

import pytest

from services.scheduler.core.specs import Shape
from tests.benchmarks.scheduler.__main__ import DEFAULT_NODES, DEFAULT_TRACE
from tests.benchmarks.scheduler.traces import TraceError, read_nodes, read_trace


def written(folder: Path, text: str, *, packed: bool = False) -> Path:
    path = folder / ("list.csv.gz" if packed else "list.csv")
    path.write_bytes(gzip.compress(text.encode()) if packed else text.encode())
    return path


def test_the_lists_that_are_carried() -> None:
    trace, nodes = read_trace(DEFAULT_TRACE), read_nodes(str(DEFAULT_NODES))
    assert (len(trace.jobs), round(sum(job.cards for job in trace.jobs), 1), trace.timed) == (8152, 6086.8, False)
    assert (len(nodes), sum(node.cards for node in nodes)) == (1213, 6212)


@pytest.mark.parametrize("packed", [False, True])
def test_pods_may_want_a_share_of_a_card_or_models(tmp_path: Path, packed: bool) -> None:
    columns = "name,cpu_milli,memory_mib,num_gpu,gpu_milli,gpu_spec"
    rows = "\n".join([columns, "a,4000,8,1,250,", "b,8000,16,2,1000,V100|T4", "c,1000,1,0,0,"])
    shapes = [job.shape for job in read_trace(written(tmp_path, rows, packed=packed)).jobs]
    assert shapes == [
        Shape((4000, 8 << 20), 1, 250),
        Shape((8000, 16 << 20), 2, labels=frozenset({("gpu-model", frozenset({"V100", "T4"}))})),
        Shape((1000, 1 << 20)),
    ]


def test_gangs_are_whole_nodes_of_equal_workers(tmp_path: Path) -> None:
    rows = "vc,job_type,scale_factor_gpus,arrival_s,duration_v100_s\nx,m,20,7.5,100\nx,m,2,1.5,9e9\n"
    first, second = read_trace(written(tmp_path, rows)).jobs
    assert (first.submitted, first.workers, first.shape.cards, first.duration) == (1.5, 1, 2, 14 * 86400)
    assert (second.workers, second.shape.cards, second.duration, second.tenant) == (4, 5, 100, "x")


def test_nodes_by_their_number() -> None:
    nodes = read_nodes("80x8")
    assert (len(nodes), nodes[0].cards, nodes[0].amounts) == (80, 8, (96_000, 768 << 30))


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("cpu_milli,memory_mib,num_gpu,gpu_milli\n1000,1,0,0\nmany,1,0,0\n", "line 3: cpu_milli is 'many', a number"),
        ("cpu_milli,memory_mib,num_gpu,gpu_milli\n1000,1,1,0\n", "line 2: gpu_milli is '0', a number from 1 to 1000"),
        ("cpu_milli,memory_mib,num_gpu,gpu_milli\n1000,1,1.5,1\n", "line 2: num_gpu is 1.5, a whole number"),
        ("a,b\n1,2\n", "of no known format"),
        ("cpu_milli,memory_mib,num_gpu,gpu_milli\n", "there are no lines"),
    ],
)
def test_what_is_wrong_is_named(tmp_path: Path, text: str, told: str) -> None:
    with pytest.raises(TraceError, match=told):
        read_trace(written(tmp_path, text))


def test_files_that_cannot_be_read(tmp_path: Path) -> None:
    broken = tmp_path / "broken.gz"
    broken.write_bytes(DEFAULT_TRACE.read_bytes()[:1000])
    for given in (broken, tmp_path / "nothing"):
        with pytest.raises(TraceError, match="cannot be read"):
            read_trace(given)
    with pytest.raises(TraceError, match="at most 62 cards"):
        read_nodes("3x63")
