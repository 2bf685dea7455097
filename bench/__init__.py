"""Benchmarks: this proxy beside nginx, HAProxy, Envoy and MOSN, under one load, on one pinned core.

cache       where built and downloaded things live
proc        CPU time and memory of a process tree, read from /proc
load/       the compiled load generator and backend
peers/      one file a proxy: how it is configured and started; peers/install/ fetches them
rows        what is measured
runner      interleaved rounds
report      medians, ratios and goals as Markdown and JSON
"""
