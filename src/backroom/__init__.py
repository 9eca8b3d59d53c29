"""Backroom: the server side of your app in one Python file."""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from backroom.app import App
    from backroom.current import current_user
    from backroom.errors import Conflict, DeclarationError, Forbidden, Invalid, NotFound, NotLoaded, NotSignedIn, Problem, TooMany
    from backroom.http.request import Request
    from backroom.orm.session import Db
    from backroom.resources.access import allow
    from backroom.resources.conditions import anyone, me, nobody, now, this, today
    from backroom.resources.fields import field, many, owner
    from backroom.resources.resource import Resource, User, ref, replace
    from backroom.rest.replies import Reply

__all__ = [
    "App",
    "Conflict",
    "Db",
    "DeclarationError",
    "Forbidden",
    "Invalid",
    "NotFound",
    "NotLoaded",
    "NotSignedIn",
    "Problem",
    "Reply",
    "Request",
    "Resource",
    "TooMany",
    "User",
    "allow",
    "anyone",
    "current_user",
    "field",
    "many",
    "me",
    "nobody",
    "now",
    "owner",
    "ref",
    "replace",
    "this",
    "today",
]

_PLACES = {
    "backroom.app": ("App",),
    "backroom.current": ("current_user",),
    "backroom.errors": ("Conflict", "DeclarationError", "Forbidden", "Invalid", "NotFound", "NotLoaded", "NotSignedIn", "Problem", "TooMany"),
    "backroom.http.request": ("Request",),
    "backroom.orm.session": ("Db",),
    "backroom.resources.access": ("allow",),
    "backroom.resources.conditions": ("anyone", "me", "nobody", "now", "this", "today"),
    "backroom.resources.fields": ("field", "many", "owner"),
    "backroom.resources.resource": ("Resource", "User", "ref", "replace"),
    "backroom.rest.replies": ("Reply",),
}
_PLACE_OF = {name: place for place, names in _PLACES.items() for name in names}

if not TYPE_CHECKING:  # a checker would believe that every name exists

    def __getattr__(name: str) -> object:
        """The rooms are loaded when first asked for: `backroom --help` and the process that watches the others need none of them."""
        if name not in _PLACE_OF:
            raise AttributeError(f"module 'backroom' has no attribute {name!r}")
        found = getattr(import_module(_PLACE_OF[name]), name)
        globals()[name] = found
        return found
