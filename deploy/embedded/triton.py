"""Triton from its wheel: explicit model control, loopback only, Python backends in the runtime environment."""

import hashlib
import shutil
from pathlib import Path

from deploy.embedded.probes import http_ok
from deploy.embedded.program import Program
from deploy.embedded.settings import CHECKOUT, LOOPBACK, EmbeddedError, Instance, runtime_folder, tools_folder
from deploy.embedded.tools import TRITON, tritonserver

PLATFORM_BACKENDS = CHECKOUT / "services" / "serving" / "backends"


def _packages() -> Path:
    return runtime_folder() / "lib" / "python3.11" / "site-packages"


def require_numpy_1() -> None:
    """Refuse numpy 2, with which this Triton's Python backend returns wrong outputs without an error.

    Raises:
        EmbeddedError: the runtime environment has another numpy than 1.x, or none.
    """
    versions = [path.name.split("-")[1].removesuffix(".dist-info") for path in _packages().glob("numpy-*.dist-info")]
    if len(versions) != 1 or not versions[0].startswith("1."):
        raise EmbeddedError(
            f"the runtime environment {runtime_folder()} has numpy {', '.join(versions) or '(none)'}; "
            "Triton's Python backend needs numpy 1.x: run `make install`"
        )


def _shared_memory_prefix(instance: Instance) -> str:
    return f"modelyard-{hashlib.sha256(str(instance.home).encode()).hexdigest()[:12]}-"


def _backends(instance: Instance) -> Path:
    return instance.home / "triton" / "backends"


def _link_backends(instance: Instance) -> None:
    """The wheel's Python backend and each folder of the platform's own, by the name that model entries use."""
    folder = _backends(instance)
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    (folder / "python").symlink_to(tools_folder() / TRITON / "backends" / "python")
    if not PLATFORM_BACKENDS.is_dir():
        return
    for backend in PLATFORM_BACKENDS.iterdir():
        if (backend / "model.py").exists():
            (folder / backend.name).symlink_to(backend)


def prepare(instance: Instance) -> None:
    """Link the backends. Triton must not be running."""
    require_numpy_1()
    _link_backends(instance)


def program(instance: Instance) -> Program:
    arguments = {
        "model-repository": str(instance.triton_repository),
        "backend-directory": str(_backends(instance)),
        "model-control-mode": "explicit",
        "strict-readiness": "false",
        "exit-on-error": "false",
        "exit-timeout-secs": "10",
        "http-address": LOOPBACK,
        "http-port": str(instance.port("triton-http")),
        "grpc-address": LOOPBACK,
        "grpc-port": str(instance.port("triton")),
        "metrics-address": LOOPBACK,
        "metrics-port": str(instance.port("triton-metrics")),
        "backend-config": f"python,shm-region-prefix-name={_shared_memory_prefix(instance)}",
    }
    runtime = runtime_folder()
    inherited = {k: v for k, v in instance.inherited.items() if k.startswith(("CUDA_", "NVIDIA_", "OMP_"))}
    environment = inherited | {
        "PATH": f"{runtime / 'bin'}:/usr/local/bin:/usr/bin:/bin",
        "VIRTUAL_ENV": str(runtime),
        "LD_LIBRARY_PATH": str(tools_folder() / "triton" / "lib"),
        "LANG": "C.UTF-8",
        "HOME": str(instance.home),
        "PYTHONDONTWRITEBYTECODE": "1",
        "MODELYARD_HOME": str(instance.home),
    }
    # Our configurations are complete. To complete one, Triton starts a process of the model, and waits for ever if that
    # is killed; the instances' own are waited for with a limit.
    flags = ["--disable-auto-complete-config", *(f"--{name}={value}" for name, value in arguments.items())]
    command = (str(tritonserver()), *flags)
    return Program(
        "triton",
        command,
        "servers",
        environment,
        instance.home / "triton",
        instance.address("triton"),
        shared_memory=_shared_memory_prefix(instance),
        awaited=False,
    )


def answers(instance: Instance) -> bool:
    return http_ok(instance.address("triton-http"), "/v2/health/ready")
