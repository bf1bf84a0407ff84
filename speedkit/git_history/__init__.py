"""The history of a repository: its commits, and the build context of each, read from git's objects without a checkout."""
