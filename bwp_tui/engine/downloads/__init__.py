"""Download results to disk: slots, transfers that resume where they were cut, verification, publication."""
