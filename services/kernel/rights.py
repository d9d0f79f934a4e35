"""Who may see and change a resource. Every service decides by these rules."""

from services.kernel.context import Caller, current_caller
from services.kernel.entity import Entity, Visibility
from services.kernel.errors import NotFound, PermissionDenied, Unauthenticated

_SHARED = (Visibility.PUBLIC, Visibility.PRESET)


def _sees_all(caller: Caller) -> bool:
    return caller.is_admin or caller.is_service


def require_caller() -> Caller:
    caller = current_caller()
    if not caller.user_id:
        raise Unauthenticated("Sign in first: this needs a caller.")
    return caller


def require_service() -> Caller:
    """Only the platform's own services pass."""
    caller = require_caller()
    if not caller.is_service:
        raise PermissionDenied("Only the platform's own services may call this.")
    return caller


def require_admin() -> Caller:
    """Administrators and the platform's own services pass."""
    caller = require_caller()
    if not _sees_all(caller):
        raise PermissionDenied("Only administrators may do this.", reason="ADMIN_ONLY")
    return caller


def can_see(entity: Entity, caller: Caller) -> bool:
    return _sees_all(caller) or entity.owner == caller.user_id or entity.visibility in _SHARED


def require_visible(entity: Entity) -> None:
    """Raises `NotFound`, so that nobody learns of things that are not theirs."""
    if not can_see(entity, require_caller()):
        raise NotFound(f"{entity.id} does not exist or is not visible to you.")


def require_owner(entity: Entity) -> None:
    """The caller owns the entity or administers the platform; presets are the administrators'."""
    require_visible(entity)
    caller = require_caller()
    owns = entity.owner == caller.user_id and entity.visibility is not Visibility.PRESET
    if not owns and not _sees_all(caller):
        raise PermissionDenied(f"Only the owner of {entity.id} or an administrator may do this.")


def require_may_give(visibility: Visibility | None) -> None:
    """Only administrators make something a preset."""
    if visibility is Visibility.PRESET and not _sees_all(require_caller()):
        raise PermissionDenied("Only administrators make something preset.", reason="PRESET_ADMIN_ONLY")


def visible_query() -> dict[str, object]:
    """The MongoDB query that restricts a list to what the caller may see."""
    caller = require_caller()
    if _sees_all(caller):
        return {}
    return {"$or": [{"owner": caller.user_id}, {"visibility": {"$in": [str(v) for v in _SHARED]}}]}
