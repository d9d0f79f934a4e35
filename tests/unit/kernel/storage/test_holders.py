import subprocess
import sys

from services.kernel.storage.holders import holder_name, is_gone

NAME = "from services.kernel.storage.holders import holder_name; print(holder_name('test'), flush=True); input()"


def test_a_process_is_gone_when_it_has_ended_and_not_before() -> None:
    with subprocess.Popen([sys.executable, "-c", NAME], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        name = process.stdout.readline().decode().strip()
        assert not is_gone(name)
        process.kill()
    assert is_gone(name)


def test_of_other_places_nothing_is_known() -> None:
    own = holder_name("test")
    assert not is_gone(own)
    for name in ("", "one", "host:1:x", f"{own}0", "host:99999999:x@elsewhere", f"host:x:y@{own.rpartition('@')[2]}"):
        assert not is_gone(name)
    assert is_gone(f"host:99999999:y@{own.rpartition('@')[2]}")
