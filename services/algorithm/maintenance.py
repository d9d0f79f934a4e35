"""What the algorithm library needs of the object store."""

from services.algorithm.models import AlgorithmDocument
from services.kernel.maintenance import Held

HELD = (Held(AlgorithmDocument, "code.index"),)
