"""A soak: mixed load and faults against the real proxy in cycles, with a sample of memory in the quiet after each.

    upstreams   servers that answer well, slowly, wrongly or not at all
    clients     clients that behave well, and clients that do not
    proxy       the process under test: start, look at, harm, stop
    slope       whether a series of samples is flat
    __main__    the cycles and the verdict
"""
