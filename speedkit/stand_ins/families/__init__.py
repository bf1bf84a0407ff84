"""The families of images, one file each."""

from . import alpine, busybox, debian, distroless, golang, gradle, java, maven, node, python, rust, uv, web_servers

__all__ = ["FAMILIES"]

FAMILIES = tuple(
    module.FAMILY
    for module in (alpine, busybox, debian, distroless, golang, gradle, java, maven, node, python, rust, uv, web_servers)
)
