"""A kernel that runs on this Python, whatever kernels are installed on this machine under the same name."""

from __future__ import annotations

from typing import Any

from jupyter_client.kernelspec import NATIVE_KERNEL_NAME, KernelSpecManager
from jupyter_client.manager import AsyncKernelManager

__all__ = ["OwnKernel", "own_kernel"]


class OwnKernel(AsyncKernelManager):
    """A manager that knows whether its kernel was told to end, or ended by itself."""

    told_to_end = False

    # The synchronous manager that the asynchronous one grows from has another return type.
    async def shutdown_kernel(self, *arguments: Any, **options: Any) -> None:  # type: ignore[override]
        """End the kernel in good order: what it registered with atexit runs first."""
        self.told_to_end = True
        await super().shutdown_kernel(*arguments, **options)


def own_kernel() -> OwnKernel:
    """A manager whose only kernel is the ipykernel beside speedkit; it is not started yet."""
    # Without folders to look into, what is left is the kernel that ipykernel describes for the running interpreter.
    specs = KernelSpecManager(kernel_dirs=[])
    return OwnKernel(kernel_name=NATIVE_KERNEL_NAME, kernel_spec_manager=specs)
