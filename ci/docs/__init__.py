"""Renders the parts of the pages in docs/ that are made from records and from the code; ci/pages.py writes them."""
