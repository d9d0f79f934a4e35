"""Algorithms as the proto's messages."""

from protos.algorithm.v1 import algorithm_pb2
from services.algorithm.domain import Algorithm
from services.kernel.wire import to_message


def algorithm_message(algorithm: Algorithm) -> algorithm_pb2.Algorithm:
    return to_message(algorithm, algorithm_pb2.Algorithm)
