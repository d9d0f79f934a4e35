"""What the person at the keyboard has to know or do."""


class OperationError(Exception):
    """Shown as one line without a traceback; the command ends with exit code 1."""
