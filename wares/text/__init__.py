"""Words, sizes and spelling: one place for encoders, indexes and queries."""
