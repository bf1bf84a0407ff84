"""A kernel that runs on this Python, whichever kernels are installed on this machine under the same name."""

from __future__ import annotations

from typing import Any

from jupyter_client.kernelspec import NATIVE_KERNEL_NAME, KernelSpecManager
from jupyter_client.manager import AsyncKernelManager

__all__ = ["OwnKernel", "own_kernel"]


class OwnKernel(AsyncKernelManager):
    """A kernel's manager that notes whether its kernel was shut down, or ended by itself."""

    was_shut_down = False

    # The synchronous manager, which the asynchronous one is derived from, has another return type.
    async def shutdown_kernel(self, *arguments: Any, **options: Any) -> None:  # type: ignore[override]
        """Shut the kernel down; functions that it registered with atexit run first."""
        self.was_shut_down = True
        await super().shutdown_kernel(*arguments, **options)


def own_kernel() -> OwnKernel:
    """A manager of the ipykernel that is installed beside speedkit; the kernel is not started yet."""
    # Without folders of kernels, jupyter_client falls back on the one that ipykernel describes for this interpreter.
    specs = KernelSpecManager(kernel_dirs=[])
    return OwnKernel(kernel_name=NATIVE_KERNEL_NAME, kernel_spec_manager=specs)
