"""What a file holds besides its picture, found by walking the container itself."""
