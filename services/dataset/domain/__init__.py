"""Data sets and the rules of their life. Standard library only."""

from services.dataset.domain.dataset import (
    AnnotationMode,
    ClassCount,
    Dataset,
    DatasetVersion,
    ImportProgress,
    ProductionEnvironment,
    State,
    TestSetMode,
    VersionRecord,
)
from services.dataset.domain.purpose import PURPOSES, Purpose
from services.dataset.domain.samples import Placed, Sample, SampleContent, class_counts
from services.dataset.domain.split import Splitter
from services.kernel.values import BundleRef

__all__ = [
    "PURPOSES",
    "AnnotationMode",
    "BundleRef",
    "ClassCount",
    "Dataset",
    "DatasetVersion",
    "ImportProgress",
    "Placed",
    "ProductionEnvironment",
    "Purpose",
    "Sample",
    "SampleContent",
    "Splitter",
    "State",
    "TestSetMode",
    "VersionRecord",
    "class_counts",
]
