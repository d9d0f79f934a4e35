"""A database that is away, as callers are told of it."""

from pymongo.errors import ConnectionFailure

from services.kernel.errors import Unavailable


def database_away(error: BaseException) -> Unavailable | None:
    """The error that says so, when `error` came of a database that does not answer or dropped the connection.

    Commands have repeated their transaction by then (`in_transaction`); a query is told at once.
    """
    if not isinstance(error, ConnectionFailure):
        return None
    return Unavailable("The database does not answer now; repeat the request.", reason="DATABASE_AWAY")
