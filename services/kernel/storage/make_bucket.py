"""Makes the bucket, for installations where the platform's own key may not: run as a command."""

import sys

from services.kernel.config import kernel_settings
from services.kernel.storage.objects import MinioStore


def main() -> int:
    settings = kernel_settings()
    MinioStore(settings).ensure_bucket()
    sys.stdout.write(f"the bucket {settings.s3_bucket} is there\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
