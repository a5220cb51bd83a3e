"""Reports to look at and to pass on: one self-contained HTML file, or one PNG."""

from wares.report.clusters import write_clusters

__all__ = ["write_clusters"]
