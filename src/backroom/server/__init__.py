"""The long-running door: an app file is found, loaded and served by one process or several."""

from backroom.server.loading import load_app, sentence_of
from backroom.server.supervisor import become_supervisor, serve

__all__ = ["become_supervisor", "load_app", "sentence_of", "serve"]
