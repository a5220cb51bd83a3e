"""Turns what a shop already has into everything that helps shoppers find the right product."""
