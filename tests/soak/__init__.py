"""The soak: a thousand builds in one process, on a private engine, during which nothing may grow."""
