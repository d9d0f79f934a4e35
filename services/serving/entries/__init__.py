"""Model entries for Triton's repository, made from model folders."""

from services.serving.entries.generator import build_entry
from services.serving.entries.modelfile import ModelFile, parse_model
from services.serving.entries.repository import EntryRepository, Marker
from services.serving.naming import entry_names, service_of

__all__ = [
    "EntryRepository",
    "Marker",
    "ModelFile",
    "build_entry",
    "entry_names",
    "parse_model",
    "service_of",
]
