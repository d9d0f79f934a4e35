"""Safe reading of archives that somebody handed in: zip, tar and tar.gz, entry by entry, nothing unpacked blindly."""

from services.kernel.archives.guard import ArchiveRefused, Entry, Limits
from services.kernel.archives.reading import Archive, open_archive

__all__ = ["Archive", "ArchiveRefused", "Entry", "Limits", "open_archive"]
