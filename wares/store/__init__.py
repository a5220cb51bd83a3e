"""What lies on disk: immutable builds, cached steps, and the one transactional log."""
