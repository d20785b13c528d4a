"""Headless Chromium for tests of the page."""
