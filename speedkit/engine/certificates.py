"""The certificates that this host trusts beyond the public ones, as companies that intercept TLS install them."""

from __future__ import annotations

import os
from pathlib import Path

__all__ = ["BUNDLE_IN_IMAGES", "host_bundle", "system_bundle"]

BUNDLE_IN_IMAGES = "/etc/ssl/certs/ca-certificates.crt"
VARIABLES = ("SSL_CERT_FILE", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE")
"""Variables that name a whole bundle. NODE_EXTRA_CA_CERTS is not one: it only adds to one."""
SYSTEM_PLACES = (
    BUNDLE_IN_IMAGES,
    "/etc/pki/tls/certs/ca-bundle.crt",
    "/etc/ssl/ca-bundle.pem",
    "/etc/ssl/cert.pem",
)


def host_bundle() -> Path | None:
    """The CA bundle that this user's environment names, None when it names none."""
    for variable in VARIABLES:
        value = os.environ.get(variable)
        if value and Path(value).is_file():
            return Path(value)
    return None


def system_bundle() -> Path | None:
    """The bundle the environment names, else the one the operating system keeps."""
    places = (Path(place) for place in SYSTEM_PLACES)
    return host_bundle() or next((place for place in places if place.is_file()), None)
