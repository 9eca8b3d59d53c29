"""`backroom openapi`: the description of the API."""

from __future__ import annotations

import json

from backroom.cli.options import AppPath, settings_here


def openapi(app: AppPath = "app.py") -> None:
    """Print the OpenAPI 3.1 document as JSON."""
    from backroom.rest.openapi import document
    from backroom.server.loading import load_app

    loaded, settings = load_app(app), settings_here(app)
    backend = loaded.backend(settings)
    endpoints = [endpoint for endpoint, _ in loaded.endpoints]
    described = document(backend.catalog, settings, title=loaded.title, description=loaded.description, version=loaded.version, endpoints=endpoints)
    print(json.dumps(described, indent=2, ensure_ascii=False))
