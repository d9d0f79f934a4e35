"""A folder as immutable content: packs of file bytes and an index, all addressed by SHA-256.

Small files share packs; a file of at least a pack's size has packs of its own, so that the same large file is stored
once, whatever stands around it. Equal files are stored once in a bundle. See `bundle_index` for the format.
"""

from services.kernel.storage.bundle_index import IndexEntry, Piece, bundle_objects, iter_index
from services.kernel.storage.bundle_reader import find_entry, materialise, read_file, remove_partials
from services.kernel.storage.bundle_subfolder import subfolder
from services.kernel.storage.bundle_writer import write_bundle
from services.kernel.values import BundleRef

__all__ = [
    "BundleRef",
    "IndexEntry",
    "Piece",
    "bundle_objects",
    "find_entry",
    "iter_index",
    "materialise",
    "read_file",
    "remove_partials",
    "subfolder",
    "write_bundle",
]
