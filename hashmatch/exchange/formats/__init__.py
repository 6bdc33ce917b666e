"""Hash lists as others write and read them: one module per format, each with its `FORMAT`."""
