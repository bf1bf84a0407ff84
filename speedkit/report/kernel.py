"""A kernel that runs on this Python, whatever kernels are installed on this machine under the same name."""

from __future__ import annotations

from jupyter_client.kernelspec import NATIVE_KERNEL_NAME, KernelSpecManager
from jupyter_client.manager import AsyncKernelManager

__all__ = ["own_kernel"]


def own_kernel() -> AsyncKernelManager:
    """A manager whose only kernel is the ipykernel beside speedkit; it is not started yet."""
    # Without folders to look into, what is left is the kernel that ipykernel describes for the running interpreter.
    specs = KernelSpecManager(kernel_dirs=[])
    return AsyncKernelManager(kernel_name=NATIVE_KERNEL_NAME, kernel_spec_manager=specs)
