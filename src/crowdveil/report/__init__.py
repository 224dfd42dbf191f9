"""Reports that open from disk: one HTML file, no script, nothing loaded from elsewhere."""
