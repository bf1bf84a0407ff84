"""The only door to Docker: finding an engine, building, asking about images and running them."""
