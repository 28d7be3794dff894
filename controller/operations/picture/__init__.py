"""Small pictures of rasters with their legends: for `fetch --preview` and for the page."""
