"""Demonstration data."""

from pathlib import Path

from PIL import Image

from services.gateway.demo_data import UNSEEN_DIGITS, write_digits, write_titles


def test_digits_are_images_in_class_folders_with_some_held_out(tmp_path: Path) -> None:
    write_digits(tmp_path / "digits", tmp_path / "unseen")
    seen, unseen = list((tmp_path / "digits").glob("*/*.png")), list((tmp_path / "unseen").glob("*/*.png"))
    assert (len(seen), len(unseen)) == (1797 - UNSEEN_DIGITS, UNSEEN_DIGITS)
    assert {path.parent.name for path in unseen} == {str(digit) for digit in range(10)}
    with Image.open(seen[0]) as image:
        assert (image.size, image.mode, image.getextrema()) == ((8, 8), "L", (0, 255))


def test_titles_are_texts_in_class_folders(tmp_path: Path) -> None:
    write_titles(tmp_path / "train", tmp_path / "test")
    for split in ("train", "test"):
        folders = sorted(path.name for path in (tmp_path / split).iterdir())
        assert len(folders) == 10
        assert {len(list((tmp_path / split / name).iterdir())) for name in folders} == {1000}
    assert (tmp_path / "test" / "education" / "00000.txt").read_text(encoding="utf-8").startswith("词汇阅读是关键")
