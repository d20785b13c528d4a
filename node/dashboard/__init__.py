"""The page that an L2 node shows to a browser: packaged files, and the names it decodes with."""

from node.dashboard.site import Site, packaged_site

__all__ = ["Site", "packaged_site"]
