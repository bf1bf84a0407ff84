"""The translations of the messages and of the notebooks: brought up to date, and checked."""
