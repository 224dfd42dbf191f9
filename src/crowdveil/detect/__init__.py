"""Detection: from pixels to faces with a probability each."""
