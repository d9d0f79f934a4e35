"""Generate Python modules and the descriptor set from the protos, or check that what is committed is current.

`python -m protos.build` writes, `python -m protos.build --check` compares and exits 1 when something differs.
"""

import argparse
import shutil
import sys
import tempfile
from importlib import resources
from pathlib import Path

from google.api import annotations_pb2
from grpc_tools import protoc

ROOT = Path(__file__).resolve().parent.parent
DESCRIPTORS = "protos/descriptors.binpb"
GENERATED = ("*_pb2.py", "*_pb2.pyi", "*_pb2_grpc.py", "*_pb2_grpc.pyi")


def sources() -> list[str]:
    """All protos, relative to the repository, sorted."""
    return sorted(str(path.relative_to(ROOT)) for path in (ROOT / "protos").rglob("*.proto"))


def run_protoc(*arguments: str) -> None:
    well_known = str(resources.files("grpc_tools") / "_proto")
    google_api = str(Path(annotations_pb2.__file__).parents[2])
    beside_python = Path(sys.executable).parent
    plugins = [f"--plugin={name}={beside_python / name}" for name in ("protoc-gen-mypy", "protoc-gen-mypy_grpc")]
    code = protoc.main(["protoc", *plugins, f"-I{ROOT}", f"-I{well_known}", f"-I{google_api}", *arguments])
    if code:
        raise SystemExit(f"protoc failed with exit code {code}: see its message above")


def generate(target: Path) -> None:
    """Write all generated files below `target`."""
    (target / "protos").mkdir(parents=True, exist_ok=True)
    files = sources()
    with_services = [name for name in files if "\nservice " in (ROOT / name).read_text(encoding="utf-8")]
    run_protoc(f"--python_out={target}", f"--mypy_out=quiet:{target}", *files)
    run_protoc(f"--grpc_python_out={target}", f"--mypy_grpc_out=quiet:{target}", *with_services)
    run_protoc("--include_imports", "--include_source_info", f"--descriptor_set_out={target / DESCRIPTORS}", *files)


def generated_files(base: Path) -> set[str]:
    patterns = (*GENERATED, Path(DESCRIPTORS).name)
    return {str(path.relative_to(base)) for pattern in patterns for path in (base / "protos").rglob(pattern)}


def differences(fresh: Path) -> list[str]:
    expected, present = generated_files(fresh), generated_files(ROOT)
    changed = [name for name in expected & present if (fresh / name).read_bytes() != (ROOT / name).read_bytes()]
    return sorted([*changed, *(expected ^ present)])


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--check", action="store_true", help="compare instead of writing")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        fresh = Path(folder)
        generate(fresh)
        stale = differences(fresh)
        if arguments.check:
            for name in stale:
                sys.stderr.write(f"out of date: {name}\n")
            if stale:
                sys.stderr.write("run `make protos` and commit what it writes\n")
            return 1 if stale else 0
        for name in generated_files(ROOT) - generated_files(fresh):
            (ROOT / name).unlink(missing_ok=True)
        for name in generated_files(fresh):
            shutil.copyfile(fresh / name, ROOT / name)
    return 0


if __name__ == "__main__":
    sys.exit(main())
