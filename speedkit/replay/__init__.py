"""What a history costs: the steps of each commit that run on a builder that had built the commit before, and their seconds."""
