"""Videos: reading frames, writing veiled ones, and leaving out everything else a file tells."""
