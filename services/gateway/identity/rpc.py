"""IdentityService."""

from collections.abc import Callable

from google.protobuf.empty_pb2 import Empty

from protos.identity.v1 import identity_pb2
from services.gateway.forwarding.local import current_call
from services.gateway.identity import handlers
from services.gateway.identity.domain import User
from services.kernel.context import current_caller


class IdentityRpc:
    """Sign in, sign out, who am I."""

    def __init__(self, identity: handlers.Identity, signed_out: Callable[[str], None]) -> None:
        """`signed_out` is told the id of a session that ended."""
        self._identity = identity
        self._signed_out = signed_out

    def CreateSession(self, request: identity_pb2.CreateSessionRequest) -> identity_pb2.Session:
        token, user, session = handlers.sign_in(
            self._identity, request.user_name, request.password, current_call().address
        )
        message = identity_pb2.Session(token=token, user=_user(user))
        message.expires_at.FromDatetime(session.expires_at)
        return message

    def DeleteCurrentSession(self, _request: identity_pb2.DeleteCurrentSessionRequest) -> Empty:
        handlers.user_of(self._identity, current_caller())
        session = current_call().session
        handlers.sign_out(self._identity, session)
        self._signed_out(session)
        return Empty()

    def GetCurrentUser(self, _request: identity_pb2.GetCurrentUserRequest) -> identity_pb2.User:
        return _user(handlers.user_of(self._identity, current_caller()))


def _user(user: User) -> identity_pb2.User:
    message = identity_pb2.User(id=user.id, name=user.name, roles=user.roles, email=user.email)
    message.created_at.FromDatetime(user.created_at)
    return message
