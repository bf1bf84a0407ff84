"""`python -m speedkit` is the `speedkit` program."""

from speedkit.cli import main

if __name__ == "__main__":
    main()
