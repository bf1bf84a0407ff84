"""The host's bundle of CA certificates. Companies that intercept TLS install their own certificates there."""

from __future__ import annotations

import os
from pathlib import Path

__all__ = ["BUNDLE_IN_IMAGES", "host_bundle", "system_bundle"]

BUNDLE_IN_IMAGES = "/etc/ssl/certs/ca-certificates.crt"
VARIABLES = ("SSL_CERT_FILE", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE")
"""Variables that name a whole bundle. NODE_EXTRA_CA_CERTS is not among them: it adds to a bundle."""
SYSTEM_PLACES = (
    BUNDLE_IN_IMAGES,
    "/etc/pki/tls/certs/ca-bundle.crt",
    "/etc/ssl/ca-bundle.pem",
    "/etc/ssl/cert.pem",
)


def host_bundle() -> Path | None:
    """The CA bundle that the environment names; None when no variable names an existing file."""
    for variable in VARIABLES:
        value = os.environ.get(variable)
        if value and Path(value).is_file():
            return Path(value)
    return None


def system_bundle() -> Path | None:
    """The CA bundle that the environment names, else that of the operating system."""
    places = (Path(place) for place in SYSTEM_PLACES)
    return host_bundle() or next((place for place in places if place.is_file()), None)
