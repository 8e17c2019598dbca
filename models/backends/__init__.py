"""Runtimes: token ids in, per-token heads out."""
