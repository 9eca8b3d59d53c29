"""`app.py` or `module:name` -> the App in it. Whatever is wrong with the user's file becomes one sentence: file, line, what, what to write."""

from __future__ import annotations

import importlib
import importlib.util
import re
import sys
import traceback
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING

from backroom.errors import DeclarationError

if TYPE_CHECKING:
    from backroom.app import App

MODULE = "app"
_PLACED = re.compile(r"^[^\n]*?\.py:\d+: ")
_FOREIGN = ("site-packages", "dist-packages")


def load_app(target: str = "app.py") -> App:
    """Import the file (as module `app`, its folder first on the path) or `module:name`, and return its App.

    Raises `DeclarationError` with one sentence for a missing file, an error anywhere in the user's code, no App or several.

    >>> load_app("examples/todo/app.py").title  # doctest: +SKIP
    'Backroom'
    """
    path = Path(target)
    if path.is_dir():
        path = path / "app.py"
    if path.suffix == ".py" or ":" not in target:
        if not path.is_file():
            raise DeclarationError(f"There is no file {path}; name yours (`backroom dev path/to/app.py`), or make a new app: backroom new demo")
        return _only_app(_imported(path.resolve()), str(path))
    name, _, attribute = target.partition(":")
    return _named_app(_imported_module(name), name, attribute)


def folder_of(target: str) -> Path:
    """The folder whose changes concern the app: the file's own, or the working folder for `module:name`."""
    path = Path(target)
    if path.is_dir():
        return path.resolve()
    return path.resolve().parent if path.suffix == ".py" or ":" not in target else Path.cwd()


def sentence_of(error: BaseException, folder: Path) -> str:
    """`file:line: what is wrong`, from the last line of the user's own code that took part."""
    told = _told(error)
    if isinstance(error, SyntaxError) and error.filename and _is_own(error.filename, folder):
        return f"{_shown(error.filename)}:{error.lineno}: {told}"
    if _PLACED.match(told):
        return told
    frames = [frame for frame in traceback.extract_tb(error.__traceback__) if _is_own(frame.filename, folder)]
    return f"{_shown(frames[-1].filename)}:{frames[-1].lineno}: {told}" if frames else told


def _told(error: BaseException) -> str:
    message = " ".join(str(error).split())
    match error:
        case DeclarationError() | TypeError():
            return message or type(error).__name__
        case SyntaxError():
            return f"this is not Python: {error.msg}"
        case ModuleNotFoundError() if error.name:
            return f"there is no module {error.name!r}; install it (pip install {error.name.partition('.')[0]}) or correct the name"
        case NameError() | ImportError():
            return message
        case SystemExit():
            return "the file ends the program (exit) while it is imported; remove that line"
        case _:
            return f"{type(error).__name__}: {message}" if message else type(error).__name__


def _imported(path: Path) -> ModuleType:
    known = sys.modules.get(MODULE)
    if known is not None and getattr(known, "__file__", None) == str(path):
        return known
    folder = path.parent
    if str(folder) in sys.path:
        sys.path.remove(str(folder))
    sys.path.insert(0, str(folder))
    spec = importlib.util.spec_from_file_location(MODULE, path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[MODULE] = module  # other files of the app say `from app import app`
    try:
        spec.loader.exec_module(module)
    except (Exception, SystemExit) as error:
        del sys.modules[MODULE]
        raise DeclarationError(sentence_of(error, folder)) from error
    return module


def _imported_module(name: str) -> ModuleType:
    folder = Path.cwd()
    if str(folder) not in sys.path:
        sys.path.insert(0, str(folder))
    try:
        return importlib.import_module(name)
    except (Exception, SystemExit) as error:
        raise DeclarationError(sentence_of(error, folder)) from error


def _only_app(module: ModuleType, shown: str) -> App:
    apps = _apps(module)
    if not apps:
        raise DeclarationError(f"{shown}:1: there is no App in this file; write `app = App()`")
    if len({id(app) for app in apps.values()}) > 1:
        names = sorted(apps)
        raise DeclarationError(
            f"{shown}:1: there are several Apps in this file ({', '.join(names)}); keep one, or name it: {Path(shown).stem}:{names[0]}"
        )
    return next(iter(apps.values()))


def _named_app(module: ModuleType, name: str, attribute: str) -> App:
    from backroom.app import App

    found = getattr(module, attribute, None)
    if isinstance(found, App):
        return found
    names = sorted(_apps(module))
    cure = f"write {name}:{names[0]}" if names else f"write `{attribute or 'app'} = App()` there"
    raise DeclarationError(f"{name}:{attribute} is no App; {cure}")


def _apps(module: ModuleType) -> dict[str, App]:
    from backroom.app import App

    return {name: value for name, value in vars(module).items() if isinstance(value, App)}


def _is_own(filename: str, folder: Path) -> bool:
    path = Path(filename)
    if not path.is_absolute() or not path.resolve().is_relative_to(folder):
        return False
    return not any(part in _FOREIGN or (part == "backroom" and _is_ours(path)) for part in path.parts)


def _is_ours(path: Path) -> bool:
    return path.resolve().is_relative_to(Path(__file__).resolve().parents[1])


def _shown(filename: str) -> str:
    path = Path(filename).resolve()
    return str(path.relative_to(Path.cwd())) if path.is_relative_to(Path.cwd()) else str(path)
