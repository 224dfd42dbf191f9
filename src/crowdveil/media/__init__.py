"""Media: decoding and encoding photos, and stripping what is not picture."""
