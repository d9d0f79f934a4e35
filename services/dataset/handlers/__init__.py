"""The use cases: one function for each command or query."""

from services.dataset.handlers.importing import ImportCancelled, fail_import, give_up_import, run_import
from services.dataset.handlers.lifecycle import (
    CreateDataset,
    DatasetChange,
    ImportDataset,
    UpdateDataset,
    create_dataset,
    delete_dataset,
    get_dataset,
    import_dataset,
    list_datasets,
    offline_dataset,
    online_dataset,
    update_dataset,
)
from services.dataset.handlers.samples import CONTENT_TYPES, SampleQuery, list_samples, read_sample
from services.dataset.handlers.training import PrepareTrainingData, TrainingData, prepare_training_data

__all__ = [
    "CONTENT_TYPES",
    "CreateDataset",
    "DatasetChange",
    "ImportCancelled",
    "ImportDataset",
    "PrepareTrainingData",
    "SampleQuery",
    "TrainingData",
    "UpdateDataset",
    "create_dataset",
    "delete_dataset",
    "fail_import",
    "get_dataset",
    "give_up_import",
    "import_dataset",
    "list_datasets",
    "list_samples",
    "offline_dataset",
    "online_dataset",
    "prepare_training_data",
    "read_sample",
    "run_import",
    "update_dataset",
]
