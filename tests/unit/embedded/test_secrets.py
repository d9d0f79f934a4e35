import stat
from pathlib import Path

from deploy.embedded.secrets import load_secrets, secret_path


def test_secrets_are_private_kept_and_different_for_every_instance(tmp_path: Path) -> None:
    first = load_secrets(tmp_path / "a")
    assert load_secrets(tmp_path / "a") == first
    other = load_secrets(tmp_path / "b")
    for name, value in vars(first).items():
        path = secret_path(tmp_path / "a", name)
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
        assert path.read_text() == value
        assert value != getattr(other, name)
    assert secret_path(tmp_path / "a", "admin_password") == tmp_path / "a" / "secrets" / "admin-password"
    assert len(first.token_key) >= 32


def test_secrets_do_not_show_in_a_repr(tmp_path: Path) -> None:
    secrets = load_secrets(tmp_path)
    assert secrets.admin_password not in repr(secrets)


def test_a_first_start_that_was_killed_is_completed(tmp_path: Path) -> None:
    before = load_secrets(tmp_path)
    secret_path(tmp_path, "token_key").unlink()
    (tmp_path / "secrets" / ".token-key.1").write_text("half")
    after = load_secrets(tmp_path)
    assert after.mongo_password == before.mongo_password
    assert len(after.token_key) == len(before.token_key)
