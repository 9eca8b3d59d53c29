"""The front door: bytes of a connection become a `Request`, a `Response` becomes bytes again. It knows no resource and no person."""
