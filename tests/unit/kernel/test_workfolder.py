import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from services.kernel.workfolder import WorkFolder

ROOT = Path(__file__).parents[3]


def test_scratch_is_empty_and_goes_away(tmp_path: Path) -> None:
    work = WorkFolder(tmp_path / "work")
    with work.scratch() as folder:
        assert list(folder.iterdir()) == []
        (folder / "file").write_text("x")
    assert not folder.exists()
    work.close()
    assert list((tmp_path / "work").iterdir()) == []


def test_folders_of_living_processes_stay(tmp_path: Path) -> None:
    first = WorkFolder(tmp_path)
    second = WorkFolder(tmp_path)
    assert first.path.exists()
    assert second.path.exists()


def test_what_a_killed_process_left_is_removed(tmp_path: Path) -> None:
    script = (
        "import os, sys; from pathlib import Path; from services.kernel.workfolder import WorkFolder\n"
        "work = WorkFolder(Path(sys.argv[1])); (work.path / 'left').write_text('x'); os.kill(os.getpid(), 9)"
    )
    subprocess.run([sys.executable, "-c", script, str(tmp_path)], cwd=ROOT, check=False)
    (left,) = tmp_path.iterdir()
    work = WorkFolder(tmp_path)
    assert not left.exists()
    assert list(tmp_path.iterdir()) == [work.path]


def test_many_start_at_the_same_moment(tmp_path: Path) -> None:
    with ThreadPoolExecutor(16) as pool:
        folders = list(pool.map(lambda _: WorkFolder(tmp_path), range(200)))
    assert len({folder.path for folder in folders if folder.path.is_dir()}) == 200
    for folder in folders:
        folder.close()
