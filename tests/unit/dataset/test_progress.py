from services.dataset.domain import ImportProgress
from services.dataset.handlers.progress import Progress


def test_progress_is_told_at_most_twice_a_second(monkeypatch) -> None:  # type: ignore[no-untyped-def]
    now = [100.0]
    monkeypatch.setattr("services.dataset.handlers.progress.time.monotonic", lambda: now[0])
    told: list[ImportProgress] = []
    checks: list[float] = []
    progress = Progress(told.append, lambda: checks.append(now[0]))
    progress.begin("checking", 1000)
    for _ in range(1000):
        now[0] += 0.01
        progress.file(7)
    assert len(told) <= 21
    assert len(checks) == len(told)
    assert told[-1].files_total == 1000
    assert told[-1].bytes_done == 7 * told[-1].files_done > 6500
    now[0] += 1
    progress.begin("storing", 1000)
    assert (told[-1].phase, told[-1].files_done, told[-1].bytes_done) == ("storing", 0, 0)
