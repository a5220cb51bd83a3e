"""Encoders: products, and texts, to vectors."""
