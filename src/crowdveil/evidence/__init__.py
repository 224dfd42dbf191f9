"""Evidence that a veiled picture is safe to publish: faces, metadata, recognition, integrity."""
