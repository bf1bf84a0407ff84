"""What a history costs: for each commit the steps that would run on a builder that had built the one before, and their seconds."""
