"""The JSON API for scripts, /api/v1: one noun a file, and /openapi.json, which describes them all."""
