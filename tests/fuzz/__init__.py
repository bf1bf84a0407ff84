"""Every reader of what others wrote, given bytes of a fuzzer's making: only the package's own errors may leave it."""
