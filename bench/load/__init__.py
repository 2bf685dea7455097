"""The compiled load generator and backend: cheap enough that the proxy, not they, is what is measured.

wire.pxd        what a protocol is to the generator and the backend
link.pxd        one non-blocking socket with what is half read and half sent
histogram.pxd   latencies with under 1 % error, in constant memory
generator.pyx   closed and open loop clients
backend.pyx     the server behind the proxies
http1.pyx http2.pyx tcp.pyx bolt.pyx dubbo.pyx
                one file a protocol: both its sides; a new one is a file and a line in `protocols.py`
build.py        compiles all of that into the cache
process.py      one end as a process of its own: `python -m bench.load serve | load`
client.py       starts those processes, pinned, and reads what they report
"""
